# Tests; see STYLE.md.
