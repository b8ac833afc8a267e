# Tests of the module coll.
if HAVE_CMOCKA
coll_libs = tests/coll/libranks.a $(test_libs)
check_LIBRARIES += tests/coll/libranks.a
tests_coll_libranks_a_SOURCES = %D%/counts.h %D%/ranks.c %D%/ranks.h
tests_coll_libranks_a_CPPFLAGS = $(test_cppflags)
tests_libshared_a_SOURCES += %D%/kept.c %D%/kept.h

check_PROGRAMS += tests/coll/test_executor
TESTS += tests/coll/test_executor
tests_coll_test_executor_SOURCES = %D%/test_executor.c
tests_coll_test_executor_CPPFLAGS = $(test_cppflags)
tests_coll_test_executor_LDADD = $(coll_libs)

check_PROGRAMS += tests/coll/test_algorithms
TESTS += tests/coll/test_algorithms
tests_coll_test_algorithms_SOURCES = %D%/test_algorithms.c
tests_coll_test_algorithms_CPPFLAGS = $(test_cppflags)
tests_coll_test_algorithms_LDADD = $(coll_libs)

if HAVE_VERBS
check_PROGRAMS += tests/coll/fake_algorithms
tests_coll_fake_algorithms_SOURCES = $(tests_coll_test_algorithms_SOURCES) \
	tests/transport/fake_start.c
tests_coll_fake_algorithms_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_coll_fake_algorithms_LDADD = tests/coll/libranks.a $(fake_verbs_libs)

check_PROGRAMS += tests/coll/test_placed
TESTS += tests/coll/test_placed
tests_coll_test_placed_SOURCES = %D%/test_placed.c
tests_coll_test_placed_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_coll_test_placed_LDADD = tests/coll/libranks.a $(fake_verbs_libs)
endif

check_PROGRAMS += tests/coll/test_gone
TESTS += tests/coll/test_gone
tests_coll_test_gone_SOURCES = %D%/test_gone.c
tests_coll_test_gone_CPPFLAGS = $(test_cppflags)
tests_coll_test_gone_LDADD = $(coll_libs)

check_PROGRAMS += tests/coll/test_sequences
TESTS += tests/coll/test_sequences
tests_coll_test_sequences_SOURCES = %D%/test_sequences.c
tests_coll_test_sequences_CPPFLAGS = $(test_cppflags)
tests_coll_test_sequences_LDADD = $(coll_libs)

valgrind_tests += tests/coll/test_program
check_PROGRAMS += tests/coll/test_program
TESTS += tests/coll/test_program
tests_coll_test_program_SOURCES = %D%/test_program.c
tests_coll_test_program_CPPFLAGS = $(test_cppflags)
tests_coll_test_program_LDADD = $(coll_libs)

valgrind_tests += tests/coll/test_prover
check_PROGRAMS += tests/coll/test_prover
TESTS += tests/coll/test_prover
tests_coll_test_prover_SOURCES = %D%/test_prover.c %D%/planted.c %D%/planted.h
tests_coll_test_prover_CPPFLAGS = $(test_cppflags)
tests_coll_test_prover_LDADD = $(test_libs)

check_PROGRAMS += tests/coll/test_prover_all
TESTS += tests/coll/test_prover_all
tests_coll_test_prover_all_SOURCES = %D%/test_prover_all.c %D%/cases.h
tests_coll_test_prover_all_CPPFLAGS = $(test_cppflags)
tests_coll_test_prover_all_LDADD = $(test_libs)

check_PROGRAMS += tests/coll/test_prover_steps
TESTS += tests/coll/test_prover_steps
tests_coll_test_prover_steps_SOURCES = %D%/test_prover_steps.c %D%/cases.h
tests_coll_test_prover_steps_CPPFLAGS = $(test_cppflags)
tests_coll_test_prover_steps_LDADD = $(test_libs)

check_PROGRAMS += tests/coll/test_post
TESTS += tests/coll/test_post
tests_coll_test_post_SOURCES = %D%/test_post.c
tests_coll_test_post_CPPFLAGS = $(test_cppflags)
tests_coll_test_post_LDADD = $(coll_libs)

valgrind_tests += tests/coll/test_select
check_PROGRAMS += tests/coll/test_select
TESTS += tests/coll/test_select
tests_coll_test_select_SOURCES = %D%/test_select.c
tests_coll_test_select_CPPFLAGS = $(test_cppflags)
tests_coll_test_select_LDADD = $(test_libs)

check_PROGRAMS += tests/coll/test_many_results
TESTS += tests/coll/test_many_results
tests_coll_test_many_results_SOURCES = %D%/carry_out.c %D%/carry_out.h %D%/test_many_results.c
tests_coll_test_many_results_CPPFLAGS = $(test_cppflags)
tests_coll_test_many_results_LDADD = $(test_libs)

check_PROGRAMS += tests/coll/test_many_steps
TESTS += tests/coll/test_many_steps
tests_coll_test_many_steps_SOURCES = %D%/test_many_steps.c
tests_coll_test_many_steps_CPPFLAGS = $(test_cppflags)
tests_coll_test_many_steps_LDADD = $(test_libs)

check_PROGRAMS += tests/coll/test_symmetry
TESTS += tests/coll/test_symmetry
tests_coll_test_symmetry_SOURCES = %D%/test_symmetry.c
tests_coll_test_symmetry_CPPFLAGS = $(test_cppflags)
tests_coll_test_symmetry_LDADD = $(test_libs)
endif

EXTRA_PROGRAMS += tests/coll/perf_program tests/coll/socket_loop
tests_coll_perf_program_SOURCES = %D%/perf_program.c
tests_coll_perf_program_CPPFLAGS = $(AM_CPPFLAGS)
tests_coll_perf_program_LDADD = $(rg_libs)
tests_coll_socket_loop_SOURCES = %D%/socket_loop.c
tests_coll_socket_loop_LDADD = $(rg_libs)

unthreaded_tests += tests/coll/test_many_results tests/coll/test_many_steps \
	tests/coll/test_prover tests/coll/test_prover_all tests/coll/test_prover_steps \
	tests/coll/test_select tests/coll/test_symmetry

TESTS += tests/coll/test_verbs_algorithms.sh
EXTRA_DIST += tests/coll/test_verbs_algorithms.sh
