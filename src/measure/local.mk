# Sources of the module measure.
src_librailgauge_a_SOURCES += \
	include/railgauge/measure/calibrate.h \
	include/railgauge/measure/data.h \
	include/railgauge/measure/meet.h \
	include/railgauge/measure/paths.h \
	include/railgauge/measure/place.h \
	include/railgauge/measure/plan.h \
	include/railgauge/measure/result.h \
	include/railgauge/measure/sample.h \
	include/railgauge/measure/stats.h \
	include/railgauge/measure/target.h \
	%D%/calibrate.c \
	%D%/calibrate_loops.c \
	%D%/calibrate_loops.h \
	%D%/data.c \
	%D%/data_values.c \
	%D%/data_values.h \
	%D%/meet.c \
	%D%/paths.c \
	%D%/place.c \
	%D%/plan.c \
	%D%/result.c \
	%D%/result_check.c \
	%D%/result_fields.c \
	%D%/result_fields.h \
	%D%/result_machine.c \
	%D%/result_read.c \
	%D%/result_write.c \
	%D%/sample.c \
	%D%/sample_direct.c \
	%D%/sample_impl.h \
	%D%/sample_rep.c \
	%D%/sample_start.c \
	%D%/stats.c \
	%D%/target.c \
	%D%/target_mpi.c \
	%D%/target_railgauge.c
