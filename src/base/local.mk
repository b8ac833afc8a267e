src_librailgauge_a_SOURCES += \
	include/railgauge/base/clock.h \
	include/railgauge/base/collective.h \
	include/railgauge/base/err.h \
	include/railgauge/base/io.h \
	include/railgauge/base/json.h \
	include/railgauge/base/log.h \
	include/railgauge/base/matrix.h \
	include/railgauge/base/mem.h \
	include/railgauge/base/opt.h \
	include/railgauge/base/sha256.h \
	include/railgauge/base/units.h \
	%D%/clock.c \
	%D%/collective.c \
	%D%/err.c \
	%D%/io.c \
	%D%/json.c \
	%D%/log.c \
	%D%/matrix.c \
	%D%/matrix_read.c \
	%D%/mem.c \
	%D%/nearest.c \
	%D%/opt.c \
	%D%/opt_rows.h \
	%D%/opt_value.c \
	%D%/sha256.c \
	%D%/units.c
