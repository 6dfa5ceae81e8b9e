/** A table of the results of several folders, for test/RESULTS.md. */
export function table(reports) {
  const rows = reports.map(({ folder, report }) => {
    const count = countOf(report);
    const found = count('Killed') + count('Timeout');
    const all = found + count('Survived') + count('NoCoverage');
    const score = all === 0 ? '–' : `${((100 * found) / all).toFixed(1)} %`;
    const counts = ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'RuntimeError'].map(count);
    return `| \`service/${folder}/\` | ${all} | ${counts.join(' | ')} | ${score} |`;
  });
  return [
    '| folder | mutants | killed | timeout | survived | no coverage | could not run | found |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** The mutants that no test noticed, one a line: place, kind, and what the mutant wrote there. */
export function survivors(report) {
  return Object.entries(report.files).flatMap(([path, { mutants, source }]) =>
    mutants
      .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
      .sort((a, b) => a.location.start.line - b.location.start.line)
      .map(({ location, mutatorName, replacement, status }) => {
        const was = oneLine(between(source, location));
        return `${path}:${location.start.line} ${mutatorName}${status === 'NoCoverage' ? ' (no coverage)' : ''}: ${was} => ${oneLine(replacement)}`;
      }),
  );
}

function countOf(report) {
  const mutants = Object.values(report.files).flatMap((file) => file.mutants);
  return (wanted) => mutants.filter(({ status }) => status === wanted).length;
}

function between(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  return lines.join('\n').slice(start.column - 1);
}

function oneLine(text = '') {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 90 ? `${line.slice(0, 87)}...` : line;
}
