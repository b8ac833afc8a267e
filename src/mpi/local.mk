# Sources of the module mpi: the loader, and one loadable module per MPI library. The program
# exports nothing, so a module is linked with the few functions of base that it uses.
src_librailgauge_a_SOURCES += \
	include/railgauge/mpi/glue.h \
	%D%/choose.c \
	%D%/glue.c \
	%D%/impl.h \
	%D%/rendezvous.c

if HAVE_OPENMPI
pkglib_LTLIBRARIES += src/mpi/rg_mpi_openmpi.la
src_mpi_rg_mpi_openmpi_la_SOURCES = \
	include/railgauge/device/types.h \
	%D%/openmpi.h \
	%D%/openmpi.c \
	%D%/openmpi_exchange.c \
	%D%/openmpi_target.c \
	%D%/openmpi_tuned.c \
	src/base/clock.c \
	src/base/collective.c \
	src/base/err.c \
	src/base/mem.c
src_mpi_rg_mpi_openmpi_la_CPPFLAGS = $(AM_CPPFLAGS) $(OPENMPI_CFLAGS)
src_mpi_rg_mpi_openmpi_la_LIBADD = $(OPENMPI_LIBS) -lpthread
src_mpi_rg_mpi_openmpi_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^rg_mpi_module$$'
endif
