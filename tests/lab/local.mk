# Tests that need RDMA devices: make check-lab runs them in a machine of scripts/lab, make check does
# not. LAB_TESTS names some of them. What they run beside railgauge belongs in lab_programs, which
# every module may add to.
lab_tests = %D%/test_fabric.sh %D%/test_machine.sh %D%/test_ranks.sh \
	%D%/test_verbs_rc.sh
EXTRA_DIST += %D%/run-lab.sh %D%/inside.sh %D%/perftest.sh $(lab_tests)

.PHONY: check-lab
check-lab: all $(lab_programs)
	$(AM_TESTS_ENVIRONMENT) \
	tests=; \
	for test in $${LAB_TESTS:-$(lab_tests)}; do tests="$$tests $(srcdir)/$$test"; done; \
	$(SHELL) $(srcdir)/tests/lab/run-lab.sh $$tests
