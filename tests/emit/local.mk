# Tests of the module emit.
if HAVE_CMOCKA
valgrind_tests += tests/emit/test_prove
check_PROGRAMS += tests/emit/test_prove
TESTS += tests/emit/test_prove
tests_emit_test_prove_SOURCES = %D%/test_prove.c
tests_emit_test_prove_CPPFLAGS = $(test_cppflags)
tests_emit_test_prove_LDADD = $(test_libs) -lm
endif
