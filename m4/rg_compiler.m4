# AM_CFLAGS for the whole project; CFLAGS stays the builder's own.
AC_DEFUN([RG_CFLAG], [
  AS_VAR_PUSHDEF([rg_cache], [rg_cv_cflag_$1])
  AC_CACHE_CHECK([whether $CC accepts $1], [rg_cache], [
    rg_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([rg_cache], [yes])],
                      [AS_VAR_SET([rg_cache], [no])])
    CFLAGS=$rg_save_CFLAGS])
  AS_VAR_IF([rg_cache], [yes], [RG_CFLAGS="$RG_CFLAGS $1"])
  AS_VAR_POPDEF([rg_cache])
])

AC_DEFUN([RG_COMPILER_FLAGS], [
  RG_CFLAGS="-std=gnu17"
  m4_foreach_w([rg_flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wundef -Wpointer-arith -Wwrite-strings -Wvla -Walloca -Wformat=2
    -Wimplicit-fallthrough -Wno-unused-parameter -Wno-missing-field-initializers -fno-common
    -ffp-contract=off],
    [RG_CFLAG(rg_flag)])
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors])],
                [AS_IF([test "x$enableval" = xyes], [RG_CFLAGS="$RG_CFLAGS -Werror"])])
  AC_ARG_ENABLE([debug], [AS_HELP_STRING([--enable-debug],
                [count and assert what must not happen in a timed region])],
                [AS_IF([test "x$enableval" = xyes],
                       [AC_DEFINE([RG_DEBUG], [1], [Extra checks in timed regions])])])
  AC_SUBST([RG_CFLAGS])
])

# --with-sanitizer=address,undefined or thread: must link, or configure stops.
AC_DEFUN([RG_SANITIZER], [
  AC_ARG_WITH([sanitizer], [AS_HELP_STRING([--with-sanitizer=LIST],
              [address,undefined or thread])], [rg_sanitizer=$withval], [rg_sanitizer=no])
  AS_IF([test "x$rg_sanitizer" != xno], [
    rg_flags="-fsanitize=$rg_sanitizer -fno-sanitize-recover=all -fno-omit-frame-pointer"
    rg_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS $rg_flags"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [],
                   [AC_MSG_ERROR([--with-sanitizer=$rg_sanitizer: $CC cannot link it])])
    CFLAGS=$rg_save_CFLAGS
    RG_CFLAGS="$RG_CFLAGS $rg_flags"
    RG_LDFLAGS="$rg_flags"
  ])
  AM_CONDITIONAL([SANITIZED], [test "x$rg_sanitizer" != xno])
  AC_SUBST([RG_LDFLAGS])
])
