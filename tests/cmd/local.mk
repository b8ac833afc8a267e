# Tests of the module cmd.
cmd_tests = \
	tests/cmd/test_algorithms.sh \
	tests/cmd/test_bench.sh \
	tests/cmd/test_bench_mpi.sh \
	tests/cmd/test_bench_mpich.sh \
	tests/cmd/test_check.sh \
	tests/cmd/test_emit.sh \
	tests/cmd/test_congestion.sh \
	tests/cmd/test_counters.sh \
	tests/cmd/test_failures_mpi.sh \
	tests/cmd/test_failures_output.sh \
	tests/cmd/test_failures_ranks.sh \
	tests/cmd/test_hosts.sh \
	tests/cmd/test_hosts_clocks.sh \
	tests/cmd/test_info.sh \
	tests/cmd/test_interfaces.sh \
	tests/cmd/test_network.sh \
	tests/cmd/test_pairs.sh \
	tests/cmd/test_pairs_hosts.sh \
	tests/cmd/test_pairs_mpi.sh \
	tests/cmd/test_peer_death.sh \
	tests/cmd/test_prove.sh \
	tests/cmd/test_prove_mpi.sh \
	tests/cmd/test_readme.sh \
	tests/cmd/test_run.sh \
	tests/cmd/test_sim.sh \
	tests/cmd/test_two_mpis.sh \
	tests/cmd/test_tcp_bytes.sh \
	tests/cmd/test_tune.sh \
	tests/cmd/test_tune_made_up.sh \
	tests/cmd/test_usage.sh
TESTS += $(cmd_tests)
EXTRA_DIST += tests/cmd/command.sh tests/cmd/failures.sh tests/cmd/fake_launcher.sh tests/cmd/hosts.sh tests/cmd/proof.sh \
	$(cmd_tests) tests/cmd/sim

# -rpath makes libtool build a shared object although it is not installed.
check_LTLIBRARIES += tests/cmd/slow_end.la
tests_cmd_slow_end_la_SOURCES = %D%/slow_end.c
tests_cmd_slow_end_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_cmd_slow_end_la_LIBADD = -ldl
