# Tests of the module emit.
if HAVE_CMOCKA
valgrind_tests += tests/emit/test_prove
check_PROGRAMS += tests/emit/test_prove
TESTS += tests/emit/test_prove
tests_emit_test_prove_SOURCES = %D%/test_prove.c
tests_emit_test_prove_CPPFLAGS = $(test_cppflags)
tests_emit_test_prove_LDADD = $(test_libs) -lm

valgrind_tests += tests/emit/test_rules
check_PROGRAMS += tests/emit/test_rules
TESTS += tests/emit/test_rules
tests_emit_test_rules_SOURCES = %D%/test_rules.c
tests_emit_test_rules_CPPFLAGS = $(test_cppflags)
tests_emit_test_rules_LDADD = $(test_libs)

valgrind_tests += tests/emit/test_params
check_PROGRAMS += tests/emit/test_params
TESTS += tests/emit/test_params
tests_emit_test_params_SOURCES = %D%/test_params.c
tests_emit_test_params_CPPFLAGS = $(test_cppflags)
tests_emit_test_params_LDADD = $(test_libs)

valgrind_tests += tests/emit/test_openmpi
check_PROGRAMS += tests/emit/test_openmpi
TESTS += tests/emit/test_openmpi
tests_emit_test_openmpi_SOURCES = %D%/test_openmpi.c
tests_emit_test_openmpi_CPPFLAGS = $(test_cppflags) -I$(srcdir)/tests
tests_emit_test_openmpi_LDADD = $(test_libs)
endif

check_PROGRAMS += tests/emit/poisoner
tests_emit_poisoner_SOURCES = %D%/poisoner.c
tests_emit_poisoner_LDADD = $(rg_libs)
if HAVE_OPENMPI
check_PROGRAMS += tests/emit/consumer
tests_emit_consumer_SOURCES = %D%/consumer.c
tests_emit_consumer_CPPFLAGS = $(AM_CPPFLAGS) $(OPENMPI_CFLAGS)
tests_emit_consumer_LDADD = $(rg_libs) $(OPENMPI_LIBS)
endif
emit_scripts = tests/emit/test_consumer.sh tests/emit/test_honoured.sh
TESTS += $(emit_scripts)
EXTRA_DIST += $(emit_scripts)

check_PROGRAMS += tests/emit/fuzz_rules
TESTS += tests/emit/fuzz_rules
tests_emit_fuzz_rules_SOURCES = %D%/fuzz_rules.c tests/replay.c
tests_emit_fuzz_rules_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src \
	-DRG_CORPUS='"%D%/corpus-rules"' -DRG_MUTATIONS=300
tests_emit_fuzz_rules_LDADD = $(rg_libs)
EXTRA_DIST += %D%/corpus-rules
EXTRA_DIST += docs/PROOF.md
