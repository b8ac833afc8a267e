bin_PROGRAMS += src/railgauge
src_railgauge_SOURCES = \
	%D%/algorithms.c \
	%D%/bench.c \
	%D%/bench.h \
	%D%/bench_bound.c \
	%D%/bench_calibrate.c \
	%D%/bench_check.c \
	%D%/bench_cost.c \
	%D%/bench_measure.c \
	%D%/bench_options.c \
	%D%/bench_out.c \
	%D%/bench_plan.c \
	%D%/bench_points.c \
	%D%/bench_rank.c \
	%D%/bench_rank.h \
	%D%/check.c \
	%D%/cmd.c \
	%D%/cmd.h \
	%D%/driver.c \
	%D%/driver.h \
	%D%/emit.c \
	%D%/grid.c \
	%D%/grid.h \
	%D%/info.c \
	%D%/main.c \
	%D%/pairs.c \
	%D%/pairs.h \
	%D%/pairs_items.c \
	%D%/pairs_options.c \
	%D%/pairs_out.c \
	%D%/pairs_rank.c \
	%D%/prove.c \
	%D%/prove.h \
	%D%/prove_folder.c \
	%D%/prove_honour.c \
	%D%/prove_json.c \
	%D%/prove_launch.c \
	%D%/prove_plan.c \
	%D%/prove_print.c \
	%D%/ranks.c \
	%D%/ranks.h \
	%D%/ranks_counters.c \
	%D%/ranks_meet.c \
	%D%/ranks_result.c \
	%D%/ranks_threads.c \
	%D%/ranks_transport.c \
	%D%/ranks_watch.c \
	%D%/report.c \
	%D%/run.c \
	%D%/sim.c \
	%D%/sim.h \
	%D%/sim_fit.c \
	%D%/sim_layout.c \
	%D%/sim_links.c \
	%D%/sim_options.c \
	%D%/sim_print.c \
	%D%/topo.c \
	%D%/topo_tables.c \
	%D%/topo_text.h \
	%D%/topo_tree.c \
	%D%/tune.c \
	%D%/tune.h \
	%D%/tune_job.c \
	%D%/tune_launch.c \
	%D%/tune_outcome.c \
	%D%/tune_print.c \
	%D%/tune_search.c
src_railgauge_LDADD = $(rg_libs)
src_railgauge_LDFLAGS = $(AM_LDFLAGS)

# Manual pages from --help, where help2man is installed: one for the program, one per command.
man_pages = \
	man/railgauge.1 \
	man/railgauge-algorithms.1 \
	man/railgauge-bench.1 \
	man/railgauge-check.1 \
	man/railgauge-emit.1 \
	man/railgauge-info.1 \
	man/railgauge-pairs.1 \
	man/railgauge-pingpong.1 \
	man/railgauge-prove.1 \
	man/railgauge-report.1 \
	man/railgauge-run.1 \
	man/railgauge-sim.1 \
	man/railgauge-topo.1 \
	man/railgauge-tune.1
if HAVE_HELP2MAN
man_MANS = $(man_pages)
endif
CLEANFILES += $(man_pages)
$(man_pages): src/railgauge$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && \
	name=`basename $@ .1` && command=`echo "$$name" | sed 's/^railgauge-*//'` && \
	summary=`src/railgauge help | sed -n "s/^  $$command  *//p" | sed -n 1p` && \
	$(HELP2MAN) --no-info --version-string='$(PACKAGE_VERSION)' \
		--name="$${summary:-measure the network of a training job}" \
		"src/railgauge$${command:+ $$command}" >$@.tmp && mv $@.tmp $@
