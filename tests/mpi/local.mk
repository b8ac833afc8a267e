# Tests of the module mpi. Programs named .mpi are started by run-mpi.sh with 1 to 4 ranks.
dist_check_SCRIPTS = %D%/run-mpi.sh
mpi_scripts = tests/mpi/test_selection.sh
EXTRA_DIST += $(mpi_scripts)
if HAVE_OPENMPI
check_PROGRAMS += tests/mpi/osu_loop tests/mpi/test_glue.mpi
check_PROGRAMS += tests/mpi/selection
TESTS += tests/mpi/test_glue.mpi $(mpi_scripts)
tests_mpi_selection_SOURCES = %D%/oracle.c %D%/oracle.h %D%/selection.c
tests_mpi_selection_CPPFLAGS = $(AM_CPPFLAGS) $(OPENMPI_CFLAGS)
tests_mpi_selection_LDADD = $(rg_libs) $(OPENMPI_LIBS)
tests_mpi_selection_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
tests_mpi_osu_loop_SOURCES = %D%/osu_loop.c
tests_mpi_osu_loop_CPPFLAGS = $(AM_CPPFLAGS) $(OPENMPI_CFLAGS)
tests_mpi_osu_loop_LDADD = $(OPENMPI_LIBS)
tests_mpi_test_glue_mpi_SOURCES = %D%/oracle.c %D%/oracle.h %D%/test_glue.c
tests_mpi_test_glue_mpi_LDADD = $(rg_libs)
endif
