/** Counts of a report in Vitest's JSON form. A file that could not be loaded has no tests and counts as one failure. */
export function countsOf(report) {
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length };
}
