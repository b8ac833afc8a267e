# Sources of the module emit.
src_librailgauge_a_SOURCES += \
	include/railgauge/emit/emitter.h \
	include/railgauge/emit/finding.h \
	include/railgauge/emit/params.h \
	include/railgauge/emit/prove.h \
	include/railgauge/emit/rules.h \
	%D%/check.c \
	%D%/emitter.c \
	%D%/finding.c \
	%D%/openmpi.c \
	%D%/openmpi.h \
	%D%/openmpi_impl.h \
	%D%/openmpi_poison.c \
	%D%/openmpi_rules.c \
	%D%/openmpi_text.c \
	%D%/params.c \
	%D%/params_read.c \
	%D%/params_read.h \
	%D%/prove.c \
	%D%/rules.c \
	%D%/rules_impl.h \
	%D%/rules_judge.c \
	%D%/rules_read.c \
	%D%/rules_scan.c \
	%D%/rules_scan.h
