# Sources of the module report.
src_librailgauge_a_SOURCES += \
	include/railgauge/report/compare.h \
	include/railgauge/report/csv.h \
	include/railgauge/report/file.h \
	include/railgauge/report/progress.h \
	include/railgauge/report/sides.h \
	include/railgauge/report/table.h \
	%D%/compare.c \
	%D%/compare_csv.c \
	%D%/compare_impl.h \
	%D%/csv.c \
	%D%/differences.c \
	%D%/differences.h \
	%D%/file.c \
	%D%/format.c \
	%D%/format.h \
	%D%/launches.c \
	%D%/progress.c \
	%D%/side.c \
	%D%/side.h \
	%D%/table.c \
	%D%/table_impl.h \
	%D%/table_legend.c \
	%D%/table_summary.c
