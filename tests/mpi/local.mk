# Tests of the module mpi. Programs named .mpi are started by run-mpi.sh with 1 to 4 ranks.
dist_check_SCRIPTS = %D%/run-mpi.sh
if HAVE_OPENMPI
check_PROGRAMS += tests/mpi/osu_loop tests/mpi/test_glue.mpi
TESTS += tests/mpi/test_glue.mpi
tests_mpi_osu_loop_SOURCES = %D%/osu_loop.c
tests_mpi_osu_loop_CPPFLAGS = $(AM_CPPFLAGS) $(OPENMPI_CFLAGS)
tests_mpi_osu_loop_LDADD = $(OPENMPI_LIBS)
tests_mpi_test_glue_mpi_SOURCES = %D%/oracle.c %D%/oracle.h %D%/test_glue.c
tests_mpi_test_glue_mpi_LDADD = $(rg_libs)
endif
