# Tests of the module model.
if HAVE_CMOCKA
model_tests = \
	tests/model/test_bound \
	tests/model/test_bound_network \
	tests/model/test_bound_verbs \
	tests/model/test_fit \
	tests/model/test_many \
	tests/model/test_oracle \
	tests/model/test_simulate \
	tests/model/test_simulate_rows
valgrind_tests += tests/model/test_bound tests/model/test_bound_network \
	tests/model/test_bound_verbs tests/model/test_fit
check_PROGRAMS += $(model_tests)
TESTS += $(model_tests)
tests_model_test_bound_SOURCES = %D%/test_bound.c
tests_model_test_bound_CPPFLAGS = $(test_cppflags)
tests_model_test_bound_LDADD = $(test_libs)
tests_model_test_bound_network_SOURCES = %D%/test_bound_network.c
tests_model_test_bound_network_CPPFLAGS = $(test_cppflags)
tests_model_test_bound_network_LDADD = $(test_libs)
tests_model_test_bound_verbs_SOURCES = %D%/test_bound_verbs.c
tests_model_test_bound_verbs_CPPFLAGS = $(test_cppflags)
tests_model_test_bound_verbs_LDADD = $(test_libs) -lm
tests_model_test_fit_SOURCES = %D%/sim_cases.h %D%/test_fit.c
tests_model_test_fit_CPPFLAGS = $(test_cppflags)
tests_model_test_fit_LDADD = $(test_libs)
tests_model_test_many_SOURCES = %D%/sim_cases.h %D%/test_many.c
tests_model_test_many_CPPFLAGS = $(test_cppflags)
tests_model_test_many_LDADD = $(test_libs)
tests_model_test_oracle_SOURCES = %D%/sim_cases.h %D%/test_oracle.c
tests_model_test_oracle_CPPFLAGS = $(test_cppflags)
tests_model_test_oracle_LDADD = $(test_libs)
tests_model_test_simulate_SOURCES = %D%/sim_cases.h %D%/test_simulate.c
tests_model_test_simulate_CPPFLAGS = $(test_cppflags)
tests_model_test_simulate_LDADD = $(test_libs)
tests_model_test_simulate_rows_SOURCES = %D%/sim_cases.h %D%/test_simulate_rows.c
tests_model_test_simulate_rows_CPPFLAGS = $(test_cppflags)
tests_model_test_simulate_rows_LDADD = $(test_libs)
endif

unthreaded_tests += tests/model/test_bound tests/model/test_bound_network \
	tests/model/test_bound_verbs tests/model/test_fit tests/model/test_many \
	tests/model/test_oracle tests/model/test_simulate tests/model/test_simulate_rows
