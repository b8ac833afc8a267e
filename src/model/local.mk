# Sources of the module model.
src_librailgauge_a_SOURCES += \
	include/railgauge/model/bound.h \
	%D%/bound.c
