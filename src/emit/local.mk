# Sources of the module emit.
src_librailgauge_a_SOURCES += \
	include/railgauge/emit/emitter.h \
	include/railgauge/emit/finding.h \
	include/railgauge/emit/prove.h \
	include/railgauge/emit/rules.h \
	%D%/prove.c
