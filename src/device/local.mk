# Sources of the module device.
src_librailgauge_a_SOURCES += \
	include/railgauge/device/gpu.h \
	include/railgauge/device/buffer.h \
	include/railgauge/device/isa.h \
	include/railgauge/device/ll.h \
	include/railgauge/device/memfd.h \
	include/railgauge/device/reduce.h \
	include/railgauge/device/types.h \
	%D%/available.c \
	%D%/buffer.c \
	%D%/convert.h \
	%D%/gpu.c \
	%D%/isa_avx2.c \
	%D%/isa_avx512.c \
	%D%/isa_portable.c \
	%D%/kernels.inc \
	%D%/kernels_plain.inc \
	%D%/kernels_type.inc \
	%D%/kernels_wide.inc \
	%D%/ll.c \
	%D%/ll_kernels.inc \
	%D%/ll_scalar.h \
	%D%/memfd.c \
	%D%/part.inc \
	%D%/reduce.c \
	%D%/target_pop.inc \
	%D%/target_push.inc \
	%D%/types.c \
	%D%/vector.inc
