# SPDX-License-Identifier: BSD-3-Clause
# measure.sh's table, of p ranks: lines "pairs LAUNCH SIZE NS MESSAGES" and "COLLECTIVE LAUNCH SIZE
# TARGET ALGORITHM PROTOCOL NS".
function sort(v, n,   i, j, t) {
  for (i = 2; i <= n; i++)
    for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
}
function median(v, n) {
  sort(v, n)
  return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
# All pairs' mean of a message of that size.
function message(size, launch) {
  return pair_ns[size, launch] / pair_messages[size, launch]
}
# An exchange of a block, cut into messages.
function exchange(bytes, launch,   size, ns, least) {
  for (size in pair_sizes) {
    if (size + 0 > bytes || !((size, launch) in pair_messages)) continue
    ns = bytes / size * message(size, launch)
    if (!least || ns < least) least = ns
  }
  return least
}
# A collective's exchanges on bare queue pairs; 0: they were not measured in that launch.
function bare(coll, size, launch,   all, parts, n) {
  parts = (p - 1) * exchange(int(size / p), launch)
  if (coll != "allreduce") return parts
  for (n = 1; n < p; n *= 2) all += exchange(size, launch)
  return all < 2 * parts ? all : 2 * parts
}
$1 == "pairs" {
  pair_sizes[$3]
  pair_ns[$3, $2] += $4
  pair_messages[$3, $2] += $5
  next
}
$7 > 0 {
  key = $1 " " $3
  if (!(key in seen)) { seen[key]; order[++keys] = key; coll[key] = $1; size_of[key] = $3 }
  if ($4 ~ /^mpi/) {
    mpi[key, $2] = $7
  } else {
    own[key, $2] = $7
    how[key] = $5
  }
  if ($2 > launches) launches = $2
}
END {
  printf "# %d endpoints, %d launches\n", p, launches
  print "# collective     size algorithm             railgauge       MPI  ratio    least greatest      bare"
  for (k = 1; k <= keys; k++) {
    key = order[k]
    n = m = 0
    for (i = 1; i <= launches; i++) {
      if (!((key, i) in mpi) || !((key, i) in own)) continue
      a[++n] = own[key, i]
      b[n] = mpi[key, i]
      r[n] = b[n] / a[n]
      if (bare(coll[key], size_of[key], i))
        c[++m] = b[n] / bare(coll[key], size_of[key], i)
    }
    if (!n) continue
    by_bare = m ? median(c, m) : 0
    ratio = median(r, n)
    printf "%-12s %8d %-20s %10.1f %9.1f  %5.2f    %5.2f    %5.2f     %s\n", coll[key], size_of[key],
      how[key], median(a, n) / 1e3, median(b, n) / 1e3, ratio, r[1], r[n], m ? sprintf("%5.2f", by_bare) : "    -"
    if (!(coll[key] in points)) names[++nnames] = coll[key]
    points[coll[key]]++
    sum[coll[key]] += log(ratio)
    if (m) { bares[coll[key]]++; could[coll[key]] += log(by_bare) }
  }
  for (k = 1; k <= nnames; k++) {
    name = names[k]
    printf "# %s: ratio %.2f in geometric mean, %s of bare queue pairs\n", name, exp(sum[name] / points[name]),
      bares[name] ? sprintf("%.2f", exp(could[name] / bares[name])) : "-"
  }
}
