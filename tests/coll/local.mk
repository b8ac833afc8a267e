# Tests of the module coll.
if HAVE_CMOCKA
check_PROGRAMS += tests/coll/test_executor
TESTS += tests/coll/test_executor
tests_coll_test_executor_SOURCES = %D%/test_executor.c
tests_coll_test_executor_CPPFLAGS = $(test_cppflags)
tests_coll_test_executor_LDADD = $(test_libs)
endif

EXTRA_PROGRAMS += tests/coll/perf_program
tests_coll_perf_program_SOURCES = %D%/perf_program.c
tests_coll_perf_program_CPPFLAGS = $(AM_CPPFLAGS)
tests_coll_perf_program_LDADD = $(rg_libs)
