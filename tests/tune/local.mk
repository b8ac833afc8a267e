# Tests of the module tune.
if HAVE_CMOCKA
tests_libshared_a_SOURCES += %D%/decisions_sample.c %D%/decisions_sample.h %D%/library.c %D%/library.h \
	%D%/searches.c %D%/searches.h
tune_tests = \
	tests/tune/test_binding \
	tests/tune/test_decisions \
	tests/tune/test_journal \
	tests/tune/test_search \
	tests/tune/test_search_errors \
	tests/tune/test_search_noise \
	tests/tune/test_trial
check_PROGRAMS += $(tune_tests)
TESTS += $(tune_tests)
valgrind_tests += tests/tune/test_decisions tests/tune/test_journal tests/tune/test_search tests/tune/test_search_noise
valgrind_tests += tests/tune/test_search_errors
valgrind_tests += tests/tune/test_binding
tests_tune_test_binding_SOURCES = %D%/test_binding.c tests/topo/machine.h
tests_tune_test_binding_CPPFLAGS = $(test_cppflags) -I$(srcdir)/tests -I$(srcdir)/src
tests_tune_test_binding_LDADD = $(test_libs)
tests_tune_test_decisions_SOURCES = %D%/test_decisions.c
tests_tune_test_decisions_CPPFLAGS = $(test_cppflags) -I$(srcdir)/tests
tests_tune_test_decisions_LDADD = $(test_libs)
tests_tune_test_journal_SOURCES = %D%/test_journal.c
tests_tune_test_journal_CPPFLAGS = $(test_cppflags)
tests_tune_test_journal_LDADD = $(test_libs)
tests_tune_test_search_SOURCES = %D%/test_search.c
tests_tune_test_search_CPPFLAGS = $(test_cppflags)
tests_tune_test_search_LDADD = $(test_libs) -lm
tests_tune_test_search_errors_SOURCES = %D%/test_search_errors.c
tests_tune_test_search_errors_CPPFLAGS = $(test_cppflags)
tests_tune_test_search_errors_LDADD = $(test_libs) -lm
tests_tune_test_search_noise_SOURCES = %D%/test_search_noise.c
tests_tune_test_search_noise_CPPFLAGS = $(test_cppflags)
tests_tune_test_search_noise_LDADD = $(test_libs) -lm
tests_tune_test_trial_SOURCES = %D%/test_trial.c
tests_tune_test_trial_CPPFLAGS = $(test_cppflags) -I$(srcdir)/tests
tests_tune_test_trial_LDADD = $(test_libs)
endif
EXTRA_DIST += docs/DECISIONS.md docs/decisions-schema.json
