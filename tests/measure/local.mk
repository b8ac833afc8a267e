# Tests of the module measure.
if HAVE_CMOCKA
tests_libshared_a_SOURCES += %D%/result_sample.c %D%/result_sample.h

check_PROGRAMS += tests/measure/test_sample
TESTS += tests/measure/test_sample
tests_measure_test_sample_SOURCES = %D%/test_sample.c
tests_measure_test_sample_CPPFLAGS = $(test_cppflags)
tests_measure_test_sample_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_clocks
check_PROGRAMS += tests/measure/test_clocks
TESTS += tests/measure/test_clocks
tests_measure_test_clocks_SOURCES = %D%/test_clocks.c
tests_measure_test_clocks_CPPFLAGS = $(test_cppflags)
tests_measure_test_clocks_LDADD = $(test_libs) -lm

check_PROGRAMS += tests/measure/test_meet
TESTS += tests/measure/test_meet
tests_measure_test_meet_SOURCES = %D%/test_meet.c
tests_measure_test_meet_CPPFLAGS = $(test_cppflags)
tests_measure_test_meet_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_direct
check_PROGRAMS += tests/measure/test_direct
TESTS += tests/measure/test_direct
tests_measure_test_direct_SOURCES = %D%/test_direct.c
tests_measure_test_direct_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_measure_test_direct_LDADD = $(test_libs)

check_PROGRAMS += tests/measure/test_race
TESTS += tests/measure/test_race
tests_measure_test_race_SOURCES = %D%/test_race.c
tests_measure_test_race_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_measure_test_race_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_result_pairs
check_PROGRAMS += tests/measure/test_result_pairs
TESTS += tests/measure/test_result_pairs
tests_measure_test_result_pairs_SOURCES = %D%/test_result_pairs.c
tests_measure_test_result_pairs_CPPFLAGS = $(test_cppflags)
tests_measure_test_result_pairs_LDADD = $(test_libs) -lm

valgrind_tests += tests/measure/test_tournament
check_PROGRAMS += tests/measure/test_tournament
TESTS += tests/measure/test_tournament
tests_measure_test_tournament_SOURCES = %D%/test_tournament.c
tests_measure_test_tournament_CPPFLAGS = $(test_cppflags)
tests_measure_test_tournament_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_series
check_PROGRAMS += tests/measure/test_series
TESTS += tests/measure/test_series
tests_measure_test_series_SOURCES = %D%/test_series.c
tests_measure_test_series_CPPFLAGS = $(test_cppflags)
tests_measure_test_series_LDADD = $(test_libs) -lm

check_PROGRAMS += tests/measure/test_pairs
TESTS += tests/measure/test_pairs
tests_measure_test_pairs_SOURCES = %D%/test_pairs.c
tests_measure_test_pairs_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_measure_test_pairs_LDADD = $(test_libs) -lm

check_PROGRAMS += tests/measure/test_pairs_batches
TESTS += tests/measure/test_pairs_batches
tests_measure_test_pairs_batches_SOURCES = %D%/test_pairs_batches.c
tests_measure_test_pairs_batches_CPPFLAGS = $(test_cppflags)
tests_measure_test_pairs_batches_LDADD = $(test_libs) -lm

if HAVE_VERBS
tests_libshared_a_SOURCES += %D%/lane_ranks.c %D%/lane_ranks.h
check_PROGRAMS += tests/measure/test_lane_cost tests/measure/test_lane_verbs
TESTS += tests/measure/test_lane_cost tests/measure/test_lane_verbs
tests_measure_test_lane_cost_SOURCES = %D%/test_lane_cost.c
tests_measure_test_lane_cost_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_measure_test_lane_cost_LDADD = $(fake_verbs_libs)
tests_measure_test_lane_verbs_SOURCES = %D%/test_lane_verbs.c
tests_measure_test_lane_verbs_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_measure_test_lane_verbs_LDADD = $(fake_verbs_libs)

check_PROGRAMS += tests/measure/test_recovery
TESTS += tests/measure/test_recovery
tests_measure_test_recovery_SOURCES = %D%/test_recovery.c
tests_measure_test_recovery_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_measure_test_recovery_LDADD = $(fake_verbs_libs)
endif

valgrind_tests += tests/measure/test_recovery_judge
check_PROGRAMS += tests/measure/test_recovery_judge
TESTS += tests/measure/test_recovery_judge
unthreaded_tests += tests/measure/test_recovery_judge
tests_measure_test_recovery_judge_SOURCES = %D%/test_recovery_judge.c
tests_measure_test_recovery_judge_CPPFLAGS = $(test_cppflags)
tests_measure_test_recovery_judge_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_target
check_PROGRAMS += tests/measure/test_target
TESTS += tests/measure/test_target
tests_measure_test_target_SOURCES = %D%/test_target.c
tests_measure_test_target_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_measure_test_target_LDADD = $(test_libs)

check_PROGRAMS += tests/measure/test_place
TESTS += tests/measure/test_place
tests_measure_test_place_SOURCES = %D%/test_place.c
tests_measure_test_place_CPPFLAGS = $(test_cppflags)
tests_measure_test_place_LDADD = $(test_libs)

check_PROGRAMS += tests/measure/test_calibrate
TESTS += tests/measure/test_calibrate
tests_measure_test_calibrate_SOURCES = %D%/test_calibrate.c
tests_measure_test_calibrate_CPPFLAGS = $(test_cppflags)
tests_measure_test_calibrate_LDADD = $(test_libs)

check_PROGRAMS += tests/measure/test_network_lines
TESTS += tests/measure/test_network_lines
tests_measure_test_network_lines_SOURCES = %D%/test_network_lines.c
tests_measure_test_network_lines_CPPFLAGS = $(test_cppflags)
tests_measure_test_network_lines_LDADD = $(test_libs) -lm

check_PROGRAMS += tests/measure/test_calibrate_network
TESTS += tests/measure/test_calibrate_network
tests_measure_test_calibrate_network_SOURCES = %D%/test_calibrate_network.c
tests_measure_test_calibrate_network_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_measure_test_calibrate_network_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_network_rounds
check_PROGRAMS += tests/measure/test_network_rounds
TESTS += tests/measure/test_network_rounds
tests_measure_test_network_rounds_SOURCES = %D%/test_network_rounds.c
tests_measure_test_network_rounds_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_measure_test_network_rounds_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_network_account
check_PROGRAMS += tests/measure/test_network_account
TESTS += tests/measure/test_network_account
tests_measure_test_network_account_SOURCES = %D%/test_network_account.c
tests_measure_test_network_account_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_measure_test_network_account_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_traffic
check_PROGRAMS += tests/measure/test_traffic
TESTS += tests/measure/test_traffic
tests_measure_test_traffic_SOURCES = %D%/test_traffic.c
tests_measure_test_traffic_CPPFLAGS = $(test_cppflags)
tests_measure_test_traffic_LDADD = $(test_libs)

check_PROGRAMS += tests/measure/test_roots
TESTS += tests/measure/test_roots
tests_measure_test_roots_SOURCES = %D%/test_roots.c
tests_measure_test_roots_CPPFLAGS = $(test_cppflags)
tests_measure_test_roots_LDADD = $(test_libs)

check_PROGRAMS += tests/measure/test_data
TESTS += tests/measure/test_data
tests_measure_test_data_SOURCES = %D%/data_oracle.c %D%/data_oracle.h \
	%D%/test_data.c
tests_measure_test_data_CPPFLAGS = $(test_cppflags)
tests_measure_test_data_LDADD = $(test_libs)

nic_tests = \
	tests/measure/test_nic_counters \
	tests/measure/test_nic_job \
	tests/measure/test_nic_kernel \
	tests/measure/test_nic_rows
valgrind_tests += $(nic_tests)
check_PROGRAMS += $(nic_tests)
TESTS += $(nic_tests)
tests_measure_test_nic_counters_SOURCES = %D%/fake_sysfs.h %D%/test_nic_counters.c
tests_measure_test_nic_counters_CPPFLAGS = $(test_cppflags)
tests_measure_test_nic_counters_LDADD = $(test_libs)
tests_measure_test_nic_job_SOURCES = %D%/fake_sysfs.h %D%/test_nic_job.c
tests_measure_test_nic_job_CPPFLAGS = $(test_cppflags)
tests_measure_test_nic_job_LDADD = $(test_libs)
tests_measure_test_nic_kernel_SOURCES = %D%/test_nic_kernel.c
tests_measure_test_nic_kernel_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_measure_test_nic_kernel_LDADD = $(test_libs)
tests_measure_test_nic_rows_SOURCES = %D%/test_nic_rows.c
tests_measure_test_nic_rows_CPPFLAGS = $(test_cppflags)
tests_measure_test_nic_rows_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_plan
check_PROGRAMS += tests/measure/test_plan
TESTS += tests/measure/test_plan
tests_measure_test_plan_SOURCES = %D%/test_plan.c
tests_measure_test_plan_CPPFLAGS = $(test_cppflags)
tests_measure_test_plan_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_stats
check_PROGRAMS += tests/measure/test_stats
TESTS += tests/measure/test_stats
tests_measure_test_stats_SOURCES = %D%/test_stats.c
tests_measure_test_stats_CPPFLAGS = $(test_cppflags)
tests_measure_test_stats_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_stats_student
check_PROGRAMS += tests/measure/test_stats_student
TESTS += tests/measure/test_stats_student
tests_measure_test_stats_student_SOURCES = %D%/test_stats_student.c
tests_measure_test_stats_student_CPPFLAGS = $(test_cppflags)
tests_measure_test_stats_student_LDADD = $(test_libs) -lm

check_PROGRAMS += tests/measure/test_stats_series
TESTS += tests/measure/test_stats_series
tests_measure_test_stats_series_SOURCES = %D%/test_stats_series.c
tests_measure_test_stats_series_CPPFLAGS = $(test_cppflags)
tests_measure_test_stats_series_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_result tests/measure/test_result_bad
check_PROGRAMS += tests/measure/test_paths
TESTS += tests/measure/test_paths
tests_measure_test_paths_SOURCES = %D%/test_paths.c
tests_measure_test_paths_CPPFLAGS = $(test_cppflags)
tests_measure_test_paths_LDADD = $(test_libs)

check_PROGRAMS += tests/measure/test_result
TESTS += tests/measure/test_result
tests_measure_test_result_SOURCES = %D%/test_result.c
tests_measure_test_result_CPPFLAGS = $(test_cppflags)
tests_measure_test_result_LDADD = $(test_libs)

check_PROGRAMS += tests/measure/test_result_bad
TESTS += tests/measure/test_result_bad
tests_measure_test_result_bad_SOURCES = %D%/test_result_bad.c
tests_measure_test_result_bad_CPPFLAGS = $(test_cppflags)
tests_measure_test_result_bad_LDADD = $(test_libs)
endif
EXTRA_DIST += %D%/machine docs/RESULT.md docs/result-schema.json

check_PROGRAMS += tests/measure/test_time_spaces
TESTS += tests/measure/test_time_spaces
tests_measure_test_time_spaces_SOURCES = %D%/test_time_spaces.c
tests_measure_test_time_spaces_LDADD = $(rg_libs)

check_PROGRAMS += tests/measure/fuzz_result
TESTS += tests/measure/fuzz_result
tests_measure_fuzz_result_SOURCES = %D%/fuzz_result.c tests/replay.c
tests_measure_fuzz_result_CPPFLAGS = $(AM_CPPFLAGS) -DRG_CORPUS='"%D%/corpus-result"'
tests_measure_fuzz_result_LDADD = $(rg_libs)
EXTRA_DIST += %D%/corpus-result

unthreaded_tests += tests/measure/test_clocks tests/measure/test_data tests/measure/test_direct \
	tests/measure/test_nic_counters tests/measure/test_nic_kernel tests/measure/test_nic_rows \
	tests/measure/test_network_rounds tests/measure/test_place tests/measure/test_plan \
	tests/measure/test_result tests/measure/test_result_bad tests/measure/test_result_pairs \
	tests/measure/test_series \
	tests/measure/test_stats tests/measure/test_stats_series tests/measure/test_target tests/measure/test_tournament \
	tests/measure/test_time_spaces tests/measure/test_traffic tests/measure/fuzz_result
