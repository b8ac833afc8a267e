# Sources of the module topo.
src_librailgauge_a_SOURCES += \
	include/railgauge/topo/cgroup.h \
	include/railgauge/topo/finding.h \
	include/railgauge/topo/limits.h \
	include/railgauge/topo/rdma.h \
	%D%/cgroup.c \
	%D%/finding.c \
	%D%/limits.c \
	%D%/limits_judge.c \
	%D%/rdma.c
