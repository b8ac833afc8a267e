# Sources of the module model.
src_librailgauge_a_SOURCES += \
	include/railgauge/model/bound.h \
	include/railgauge/model/bound_network.h \
	include/railgauge/model/bound_verbs.h \
	include/railgauge/model/fit.h \
	include/railgauge/model/loggp.h \
	include/railgauge/model/simulate.h \
	%D%/bound.c \
	%D%/bound_network.c \
	%D%/bound_verbs.c \
	%D%/fit.c \
	%D%/sim_check.c \
	%D%/sim_flight.c \
	%D%/sim_impl.h \
	%D%/sim_list.c \
	%D%/sim_lockstep.c \
	%D%/sim_pack.c \
	%D%/sim_shape.c \
	%D%/sim_symmetry.c \
	%D%/sim_tape.c \
	%D%/simulate.c
