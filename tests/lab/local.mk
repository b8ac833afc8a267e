# Tests that need RDMA devices: make check-lab runs them in a machine of scripts/lab, make check does
# not. LAB_TESTS names others, or some of them: lab_long_tests take longer than what is tried each time
# should. What they run beside railgauge belongs in lab_programs, which every module may add to.
lab_tests = \
	%D%/test_counters.sh \
	%D%/test_machine.sh \
	%D%/test_ranks.sh \
	%D%/test_verbs_algorithms.sh \
	%D%/test_verbs_devices.sh \
	%D%/test_verbs_rc.sh \
	%D%/test_verbs_ud.sh
lab_long_tests = \
	%D%/test_fabric.sh \
	%D%/test_pairs.sh \
	%D%/test_truth.sh \
	%D%/test_verbs_faults.sh
EXTRA_PROGRAMS += tests/lab/counted
lab_programs += tests/lab/counted
tests_lab_counted_SOURCES = %D%/counted.c
tests_lab_counted_LDADD = $(rg_libs)

if HAVE_VERBS
EXTRA_PROGRAMS += tests/lab/verbs_devices
lab_programs += tests/lab/verbs_devices
tests_lab_verbs_devices_SOURCES = %D%/verbs_devices.c tests/transport/verbs_pair.c \
	tests/transport/verbs_pair.h
tests_lab_verbs_devices_CPPFLAGS = $(AM_CPPFLAGS) $(VERBS_CFLAGS) -I$(srcdir)/tests/transport
tests_lab_verbs_devices_LDADD = $(rg_libs)
endif

if HAVE_CMOCKA
lab_programs += tests/coll/test_algorithms tests/transport/test_conform tests/transport/test_window
endif
EXTRA_DIST += %D%/run-lab.sh %D%/inside.sh %D%/perftest.sh $(lab_tests) $(lab_long_tests)

.PHONY: check-lab check-lab-long
check-lab-long:
	$(MAKE) $(AM_MAKEFLAGS) check-lab LAB_TESTS="$(lab_tests) $(lab_long_tests)"
check-lab: all $(lab_programs)
	$(AM_TESTS_ENVIRONMENT) \
	tests=; \
	for test in $${LAB_TESTS:-$(lab_tests)}; do tests="$$tests $(srcdir)/$$test"; done; \
	$(SHELL) $(srcdir)/tests/lab/run-lab.sh $$tests
