# Sources of the module mpi: the loader, and one loadable module per MPI library. What all of them
# share is compiled for each, against its mpi.h. The program exports nothing, so a module is linked
# with the few functions of base that it uses.
src_librailgauge_a_SOURCES += \
	include/railgauge/mpi/glue.h \
	include/railgauge/mpi/openmpi_tuned.h \
	%D%/choose.c \
	%D%/glue.c \
	%D%/impl.h \
	%D%/openmpi_facts.c \
	%D%/rendezvous.c

mpi_module_sources = \
	include/railgauge/device/types.h \
	%D%/module.h \
	%D%/mpi_exchange.c \
	%D%/mpi_fault.c \
	%D%/mpi_start.c \
	%D%/mpi_t.c \
	%D%/mpi_target.c \
	src/base/clock.c \
	src/base/collective.c \
	src/base/err.c \
	src/base/matrix.c \
	src/base/mem.c
mpi_module_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^rg_mpi_module$$'

if HAVE_OPENMPI
pkglib_LTLIBRARIES += src/mpi/rg_mpi_openmpi.la
src_mpi_rg_mpi_openmpi_la_SOURCES = $(mpi_module_sources) \
	%D%/openmpi.h \
	%D%/openmpi.c \
	%D%/openmpi_facts.c \
	%D%/openmpi_tuned.c
src_mpi_rg_mpi_openmpi_la_CPPFLAGS = $(AM_CPPFLAGS) $(OPENMPI_CFLAGS)
src_mpi_rg_mpi_openmpi_la_LIBADD = $(OPENMPI_LIBS) -lpthread
src_mpi_rg_mpi_openmpi_la_LDFLAGS = $(mpi_module_ldflags)
endif

if HAVE_MPICH
pkglib_LTLIBRARIES += src/mpi/rg_mpi_mpich.la
src_mpi_rg_mpi_mpich_la_SOURCES = $(mpi_module_sources) \
	%D%/mpich.h \
	%D%/mpich.c \
	%D%/mpich_algorithms.c \
	%D%/mpich_words.c
src_mpi_rg_mpi_mpich_la_CPPFLAGS = $(AM_CPPFLAGS) $(MPICH_CFLAGS)
src_mpi_rg_mpi_mpich_la_LIBADD = $(MPICH_LIBS) -lpthread
src_mpi_rg_mpi_mpich_la_LDFLAGS = $(mpi_module_ldflags)
endif
