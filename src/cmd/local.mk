bin_PROGRAMS += src/railgauge
src_railgauge_SOURCES = \
	%D%/cmd.c \
	%D%/cmd.h \
	%D%/main.c
src_railgauge_LDADD = $(rg_libs)
src_railgauge_LDFLAGS = $(AM_LDFLAGS)
