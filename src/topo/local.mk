# Sources of the module topo.
src_librailgauge_a_SOURCES += \
	include/railgauge/topo/affinity.h \
	include/railgauge/topo/cgroup.h \
	include/railgauge/topo/cpuset.h \
	include/railgauge/topo/distance.h \
	include/railgauge/topo/finding.h \
	include/railgauge/topo/limits.h \
	include/railgauge/topo/rdma.h \
	include/railgauge/topo/topo.h \
	%D%/affinity.c \
	%D%/affinity_cores.c \
	%D%/affinity_impl.h \
	%D%/affinity_json.c \
	%D%/affinity_nics.c \
	%D%/assign.c \
	%D%/assign.h \
	%D%/build_cpus.c \
	%D%/build_nic.c \
	%D%/build_pci.c \
	%D%/cgroup.c \
	%D%/cpuset.c \
	%D%/distance.c \
	%D%/fields.c \
	%D%/fields.h \
	%D%/finding.c \
	%D%/impl.h \
	%D%/import.c \
	%D%/json.c \
	%D%/json_read.c \
	%D%/limits.c \
	%D%/limits_judge.c \
	%D%/rdma.c \
	%D%/sysfs.c \
	%D%/sysfs.h \
	%D%/sysfs_rdma.c \
	%D%/topo.c
