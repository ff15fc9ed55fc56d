/**
 * Masks secret values in the output of a task. The writer of the log does it, before a byte is on the disk: so no copy of the
 * log, no reader and no crash of Dais finds them, and a Secret that is changed or deleted meanwhile is masked all the same.
 * Who reads could not do it: after a restart Dais knows neither the former value of a Secret nor the token of a step.
 *
 * The launcher masks in Perl, in its shims (`MASKER_IN_PERL`). Where there is none, Node does, as a process between the task and
 * the writer (`MASKER_IN_JAVASCRIPT`). Both read the forms to look for from the file `mask`, which is removed before the
 * command begins, and both hold back the end of what came while it could be the beginning of a secret.
 */
import { secretForms } from '#lib/crypto/secret-forms.ts';

/** What a log shows instead. */
export const MASK = '***';

/** Content of `mask`: a form in each line, in hexadecimal. Empty when there is nothing to look for. */
export function maskFile(secrets: Readonly<Record<string, string>>): string {
  return secretForms(Object.values(secrets))
    .map((form) => `${form.toString('hex')}\n`)
    .join('');
}

/**
 * `masker(FORMS)` gives a sub from bytes to what may be written of them; its second argument is true at the end. Every form is found at
 * every place, so that of secrets that overlap nothing remains: the next search begins one byte after the last match.
 */
export const MASKER_IN_PERL = String.raw`
sub forms {
  open my $file, '<', 'mask' or return $! == POSIX::ENOENT() ? () : POSIX::_exit(1);
  unlink 'mask';
  my @forms = map { chomp; pack 'H*', $_ } <$file>;
  return @forms;
}

sub masker {
  my @forms = @_;
  return sub { $_[0] } unless @forms;
  my $any = join '|', map { quotemeta } @forms;
  $any = qr/$any/;
  my $longest = length $forms[0];
  my (%first, %heads);
  $first{substr $_, 0, 1} = 1 for @forms;
  push @{$heads{substr $_, 0, 2}}, $_ for @forms;
  # Of what is held back, so many bytes are a part of what was found before; and what was given ended inside of that.
  my ($held, $covered, $is_inside) = ('', 0, 0);
  return sub {
    my ($bytes, $is_last) = @_;
    my $text = $held . $bytes;
    my $end = length $text;
    my $keep = $end;
    if (!$is_last) {
      my $at = $end - $longest + 1;
      for ($at = 0 if $at < 0; $at < $end; $at++) {
        my $rest = $end - $at;
        if ($rest == 1) { last unless $first{substr $text, $at}; $keep = $at; last }
        my $heads = $heads{substr $text, $at, 2} or next;
        next unless grep { length $_ > $rest && substr($_, 0, $rest) eq substr($text, $at) } @$heads;
        $keep = $at;
        last;
      }
    }
    my @ranges = $covered ? [0, $covered] : ();
    pos($text) = 0;
    while ($text =~ /$any/g) {
      my ($from, $to) = ($-[0], $+[0]);
      pos($text) = $from + 1;
      if (@ranges && $from <= $ranges[-1][1]) { $ranges[-1][1] = $to if $to > $ranges[-1][1] }
      else { push @ranges, [$from, $to] }
    }
    my ($out, $at) = ('', 0);
    for (@ranges) {
      my ($from, $to) = @$_;
      last if $from >= $keep;
      $out .= substr $text, $at, $from - $at;
      $out .= '***' unless $is_inside && $from == 0;
      $at = $to < $keep ? $to : $keep;
    }
    $out .= substr $text, $at, $keep - $at;
    if ($keep) {
      my ($last) = grep { $_->[0] < $keep } reverse @ranges;
      $is_inside = $last && $last->[1] >= $keep;
      $covered = $is_inside ? $last->[1] - $keep : 0;
    }
    $held = substr $text, $keep;
    return $out;
  };
}
`;

/** From standard input to standard output; forms on descriptor 6. */
export const MASKER_IN_JAVASCRIPT = String.raw`
const { readFileSync, readSync, writeSync } = require('node:fs');
const forms = readFileSync(6, 'latin1').split('\n').filter(Boolean).map((hex) => Buffer.from(hex, 'hex').toString('latin1'));
const any = new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|\/-]/g, '\\$&')).join('|'), 'g');
const longest = forms[0].length;
const buffer = Buffer.alloc(65536);
let held = '', covered = 0, isInside = false;
for (;;) {
  let got = 0;
  try { got = readSync(0, buffer); } catch (error) { if (error.code === 'EAGAIN' || error.code === 'EINTR') continue; if (error.code !== 'EOF') throw error; }
  const text = held + buffer.toString('latin1', 0, got);
  let keep = text.length;
  for (let at = Math.max(0, text.length - longest + 1); got > 0 && at < text.length; at++) {
    const rest = text.slice(at);
    if (forms.some((form) => form.length > rest.length && form.startsWith(rest))) { keep = at; break; }
  }
  const ranges = covered > 0 ? [[0, covered]] : [];
  any.lastIndex = 0;
  for (let match = any.exec(text); match !== null; match = any.exec(text)) {
    const from = match.index, to = from + match[0].length, last = ranges.at(-1);
    any.lastIndex = from + 1;
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else ranges.push([from, to]);
  }
  let out = '', at = 0;
  for (const [from, to] of ranges) {
    if (from >= keep) break;
    out += text.slice(at, from) + (isInside && from === 0 ? '' : '***');
    at = Math.min(to, keep);
  }
  out += text.slice(at, keep);
  if (keep > 0) {
    const last = ranges.findLast(([from]) => from < keep);
    isInside = last !== undefined && last[1] >= keep;
    covered = isInside ? last[1] - keep : 0;
  }
  held = text.slice(keep);
  const bytes = Buffer.from(out, 'latin1');
  for (let done = 0; done < bytes.length;) {
    try { done += writeSync(1, bytes, done); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
  }
  if (got === 0) break;
}
`;
