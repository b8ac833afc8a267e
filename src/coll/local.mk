# Sources of the module coll.
src_librailgauge_a_SOURCES += \
	include/railgauge/coll/executor.h \
	include/railgauge/coll/problem.h \
	include/railgauge/coll/program.h \
	include/railgauge/coll/prover.h \
	include/railgauge/coll/schedule.h \
	%D%/algorithms.c \
	%D%/algorithms.h \
	%D%/allgather_direct.c \
	%D%/allreduce_oneshot.c \
	%D%/allreduce_twoshot.c \
	%D%/alltoall_pairwise.c \
	%D%/barrier_dissemination.c \
	%D%/broadcast_direct.c \
	%D%/exec.h \
	%D%/executor.c \
	%D%/executor_wait.c \
	%D%/gen.c \
	%D%/gen.h \
	%D%/loop.c \
	%D%/problem.c \
	%D%/program.c \
	%D%/prover.c \
	%D%/prover_clock.c \
	%D%/prover_link.c \
	%D%/prover_memory.c \
	%D%/prover_move.c \
	%D%/prover_state.h \
	%D%/prover_steps.c \
	%D%/reducescatter_direct.c \
	%D%/select.c \
	%D%/sendrecv_direct.c
