# Sources of the module report.
src_librailgauge_a_SOURCES += \
	include/railgauge/report/compare.h \
	include/railgauge/report/csv.h \
	include/railgauge/report/progress.h \
	include/railgauge/report/table.h
