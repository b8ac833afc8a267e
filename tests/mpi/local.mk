# Tests of the module mpi. Programs named .mpi are started by run-mpi.sh with 1 to 4 ranks under Open
# MPI; scripts start their jobs themselves, and are skipped without launcher or module.
dist_check_SCRIPTS = %D%/launcher.sh %D%/peers.sh %D%/run-mpi.sh
mpi_scripts = tests/mpi/test_glue_mpich.sh \
	tests/mpi/test_peer_death.sh \
	tests/mpi/test_peer_death_mpich.sh \
	tests/mpi/test_peers.sh \
	tests/mpi/test_peers_mpich.sh \
	tests/mpi/test_selection.sh \
	tests/mpi/test_selection_mpich.sh
TESTS += $(mpi_scripts)
EXTRA_DIST += $(mpi_scripts)

# -rpath makes libtool build a shared object although it is not installed.
check_LTLIBRARIES = tests/mpi/rg_mpi_mpich.la
tests_mpi_rg_mpi_mpich_la_SOURCES = %D%/fake_module.c
tests_mpi_rg_mpi_mpich_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

if HAVE_CMOCKA
valgrind_tests += tests/mpi/test_choose
check_PROGRAMS += tests/mpi/test_choose
TESTS += tests/mpi/test_choose
tests_mpi_test_choose_SOURCES = %D%/test_choose.c
tests_mpi_test_choose_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src \
	-DFAKE_MODULES='"$(abs_top_builddir)/tests/mpi/.libs"'
tests_mpi_test_choose_LDADD = $(test_libs)
EXTRA_tests_mpi_test_choose_DEPENDENCIES = tests/mpi/rg_mpi_mpich.la

check_PROGRAMS += tests/mpi/test_facts
TESTS += tests/mpi/test_facts
tests_mpi_test_facts_SOURCES = %D%/test_facts.c
tests_mpi_test_facts_CPPFLAGS = $(test_cppflags)
tests_mpi_test_facts_LDADD = $(test_libs)
endif

# Programs that ask the glue which library it is.
if HAVE_MPI
check_PROGRAMS += tests/mpi/peers tests/mpi/test_glue.mpi
tests_mpi_peers_SOURCES = %D%/peers.c
tests_mpi_peers_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src
tests_mpi_peers_LDADD = $(rg_libs)
tests_mpi_test_glue_mpi_SOURCES = %D%/oracle.c %D%/oracle.h %D%/test_glue.c
tests_mpi_test_glue_mpi_LDADD = $(rg_libs)
endif

# Functions of selection and selection_mpich must come before those of libmpi and libucp for the
# library's own plug-ins, too.
if HAVE_OPENMPI
TESTS += tests/mpi/test_glue.mpi
check_PROGRAMS += tests/mpi/osu_loop tests/mpi/selection
tests_mpi_osu_loop_SOURCES = %D%/osu_loop.c
tests_mpi_osu_loop_CPPFLAGS = $(AM_CPPFLAGS) $(OPENMPI_CFLAGS)
tests_mpi_osu_loop_LDADD = $(OPENMPI_LIBS)
tests_mpi_selection_SOURCES = %D%/oracle.c %D%/oracle.h %D%/selection.c %D%/selection.h \
	%D%/selection_ruled.c %D%/selection_trace.c
tests_mpi_selection_CPPFLAGS = $(AM_CPPFLAGS) $(OPENMPI_CFLAGS)
tests_mpi_selection_LDADD = $(rg_libs) $(OPENMPI_LIBS)
tests_mpi_selection_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
endif
if HAVE_MPICH
check_PROGRAMS += tests/mpi/selection_mpich
tests_mpi_selection_mpich_SOURCES = %D%/oracle.c %D%/oracle.h %D%/selection_mpich.c
tests_mpi_selection_mpich_CPPFLAGS = $(AM_CPPFLAGS) $(MPICH_CFLAGS)
tests_mpi_selection_mpich_LDADD = $(rg_libs) $(MPICH_LIBS)
tests_mpi_selection_mpich_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
endif

unthreaded_tests += tests/mpi/test_choose
