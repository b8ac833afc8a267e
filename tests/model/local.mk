# Tests of the module model.
if HAVE_CMOCKA
valgrind_tests += tests/model/test_bound
check_PROGRAMS += tests/model/test_bound
TESTS += tests/model/test_bound
tests_model_test_bound_SOURCES = %D%/test_bound.c
tests_model_test_bound_CPPFLAGS = $(test_cppflags)
tests_model_test_bound_LDADD = $(test_libs)
endif
