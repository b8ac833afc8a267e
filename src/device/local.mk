# Sources of the module device.
src_librailgauge_a_SOURCES += \
	include/railgauge/device/isa.h \
	include/railgauge/device/reduce.h \
	include/railgauge/device/types.h \
	%D%/convert.h \
	%D%/isa_avx2.c \
	%D%/isa_avx512.c \
	%D%/isa_portable.c \
	%D%/kernels.h \
	%D%/kernels_plain.h \
	%D%/kernels_type.h \
	%D%/kernels_wide.h \
	%D%/reduce.c \
	%D%/target_pop.h \
	%D%/target_push.h \
	%D%/types.c \
	%D%/vector.h
