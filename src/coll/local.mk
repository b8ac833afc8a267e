# Sources of the module coll.
src_librailgauge_a_SOURCES += \
	include/railgauge/coll/executor.h \
	include/railgauge/coll/problem.h \
	include/railgauge/coll/program.h \
	include/railgauge/coll/schedule.h \
	%D%/algorithms.c \
	%D%/algorithms.h \
	%D%/allreduce_oneshot.c \
	%D%/allreduce_twoshot.c \
	%D%/exec.h \
	%D%/executor.c \
	%D%/executor_wait.c \
	%D%/gen.c \
	%D%/gen.h \
	%D%/loop.c \
	%D%/problem.c \
	%D%/program.c \
	%D%/select.c
