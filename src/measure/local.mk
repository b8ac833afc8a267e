# Sources of the module measure.
src_librailgauge_a_SOURCES += \
	include/railgauge/measure/calibrate.h \
	include/railgauge/measure/result.h \
	include/railgauge/measure/stats.h \
	%D%/stats.c
