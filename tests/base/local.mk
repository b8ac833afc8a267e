# Tests of the module base.
if HAVE_CMOCKA
valgrind_tests += tests/base/test_opt tests/base/test_units
check_PROGRAMS += tests/base/test_opt
TESTS += tests/base/test_opt
tests_base_test_opt_SOURCES = %D%/opt_sample.h %D%/test_opt.c
tests_base_test_opt_CPPFLAGS = $(test_cppflags)
tests_base_test_opt_LDADD = $(test_libs)

valgrind_tests += tests/base/test_matrix
check_PROGRAMS += tests/base/test_matrix
TESTS += tests/base/test_matrix
tests_base_test_matrix_SOURCES = %D%/test_matrix.c
tests_base_test_matrix_CPPFLAGS = $(test_cppflags)
tests_base_test_matrix_LDADD = $(test_libs)

check_PROGRAMS += tests/base/test_sha256
TESTS += tests/base/test_sha256
tests_base_test_sha256_SOURCES = %D%/test_sha256.c
tests_base_test_sha256_CPPFLAGS = $(test_cppflags)
tests_base_test_sha256_LDADD = $(test_libs)

check_PROGRAMS += tests/base/test_timed
TESTS += tests/base/test_timed
tests_base_test_timed_SOURCES = %D%/test_timed.c
tests_base_test_timed_CPPFLAGS = $(test_cppflags)
tests_base_test_timed_LDADD = $(test_libs)

check_PROGRAMS += tests/base/test_units
TESTS += tests/base/test_units
tests_base_test_units_SOURCES = %D%/test_units.c
tests_base_test_units_CPPFLAGS = $(test_cppflags)
tests_base_test_units_LDADD = $(test_libs)

check_PROGRAMS += tests/base/test_io
TESTS += tests/base/test_io
tests_base_test_io_SOURCES = %D%/test_io.c
tests_base_test_io_CPPFLAGS = $(test_cppflags)
tests_base_test_io_LDADD = $(test_libs)
endif

# Fuzz targets: make check replays the corpus, scripts/fuzz looks for new inputs.
check_PROGRAMS += tests/base/fuzz_opt
TESTS += tests/base/fuzz_opt
tests_base_fuzz_opt_SOURCES = %D%/opt_sample.h %D%/fuzz_opt.c tests/replay.c
tests_base_fuzz_opt_CPPFLAGS = $(AM_CPPFLAGS) -DRG_CORPUS='"%D%/corpus-opt"'
tests_base_fuzz_opt_LDADD = $(rg_libs)
EXTRA_DIST += %D%/corpus-opt

check_PROGRAMS += tests/base/fuzz_matrix
TESTS += tests/base/fuzz_matrix
tests_base_fuzz_matrix_SOURCES = %D%/fuzz_matrix.c tests/replay.c
tests_base_fuzz_matrix_CPPFLAGS = $(AM_CPPFLAGS) -DRG_CORPUS='"%D%/corpus-matrix"'
tests_base_fuzz_matrix_LDADD = $(rg_libs)
EXTRA_DIST += %D%/corpus-matrix

unthreaded_tests += tests/base/test_io tests/base/test_matrix tests/base/test_opt \
	tests/base/test_sha256 tests/base/test_timed tests/base/test_units tests/base/fuzz_matrix \
	tests/base/fuzz_opt
