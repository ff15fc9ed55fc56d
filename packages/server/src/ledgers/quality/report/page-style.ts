/** Styles of the report. Colors indicate states only; each state also has a symbol and a label. Contrast meets WCAG AA in both themes. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--bg:#fff;--panel:#f7f7f8;--line:#dcdce0;--text:#1c1c21;--quiet:#5f5f6b;--accent:#2f5fd0;--was:#c9c9d1;--bad:#b3261e;--badbg:#fdecea;--warn:#8a5300;--warnbg:#fff4e0;--good:#1a6b3c;--goodbg:#e8f5ec}
@media (prefers-color-scheme:dark){:root{--bg:#16161a;--panel:#1f1f25;--line:#38383f;--text:#ececf1;--quiet:#a5a5b3;--accent:#8aabff;--was:#55555f;--bad:#ff9d94;--badbg:#3a1d1b;--warn:#f2c078;--warnbg:#35290f;--good:#86d8a4;--goodbg:#173323}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:13px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1240px;margin:0 auto;padding:24px 20px 48px}
h1{font-size:22px;line-height:1.3;margin:0 0 4px;font-weight:650}
h2{font-size:15px;margin:32px 0 8px;font-weight:650}
h3{font-size:13px;margin:0;font-weight:650;overflow-wrap:anywhere}
p{margin:4px 0}
.quiet{color:var(--quiet)}
code,.mono{font:12px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.result{display:flex;gap:12px;align-items:flex-start;border:1px solid var(--line);border-left-width:4px;border-radius:6px;padding:12px 16px;margin:16px 0;background:var(--panel)}
.result .sign{font-size:20px;line-height:1.2}
.result strong{font-size:15px}
.failing{border-left-color:var(--bad)}.failing>.sign,.failing .word{color:var(--bad)}
.warning{border-left-color:var(--warn)}.warning>.sign,.warning .word{color:var(--warn)}
.passing{border-left-color:var(--good)}.passing>.sign,.passing .word{color:var(--good)}
.facts{display:flex;flex-wrap:wrap;gap:4px 28px;margin:12px 0 0;padding:0}
.facts div{display:flex;flex-direction:column}
.facts dt{color:var(--quiet);font-size:12px}.facts dd{margin:0;font-weight:600}
.check{border:1px solid var(--line);border-left-width:4px;border-radius:6px;padding:10px 14px;margin:8px 0;background:var(--panel)}
.check header{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline}
.word{font-weight:650}
.tag{font-size:12px;border:1px solid var(--line);border-radius:4px;padding:0 5px;color:var(--quiet);white-space:nowrap}
.scroll{overflow-x:auto;margin-top:6px}
table{border-collapse:collapse;font-size:12px;min-width:max(100%,520px)}
th,td{text-align:left;padding:3px 12px 3px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}
.sample th,.sample td{white-space:nowrap;max-width:320px;overflow:hidden;text-overflow:ellipsis}
th{color:var(--quiet);font-weight:500}
td.n,th.n{text-align:right}
td.null{color:var(--quiet);font-style:italic}
details{margin:8px 0}summary{cursor:pointer;color:var(--accent)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(290px,1fr));gap:12px}
.column{border:1px solid var(--line);border-radius:6px;padding:10px 12px;background:var(--panel);min-width:0}
.column header{display:flex;justify-content:space-between;gap:8px;align-items:baseline;margin-bottom:6px}
.column svg{display:block;max-width:100%;height:auto;margin:4px 0}
.column dl{display:grid;grid-template-columns:auto 1fr auto 1fr;gap:0 8px;margin:6px 0 0;font-size:12px}
.column dt{color:var(--quiet)}.column dd{margin:0;text-align:right;overflow-wrap:anywhere}
.far{color:var(--warn);font-weight:650}
rect.is{fill:var(--accent)}rect.was{fill:var(--was)}
g>rect.was+rect.is{opacity:.85}
line.axis{stroke:var(--line)}
svg text{fill:var(--quiet);font:10px system-ui,sans-serif}
svg text.name{fill:var(--text);text-anchor:end;font-size:11px}
.legend{display:flex;flex-wrap:wrap;gap:16px;color:var(--quiet);font-size:12px;margin:0 0 8px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
.legend .k-is{background:var(--accent)}.legend .k-was{background:var(--was)}
footer{margin-top:40px;border-top:1px solid var(--line);padding-top:12px;color:var(--quiet);font-size:12px}
@media (max-width:560px){main{padding:16px 12px}.column dl{grid-template-columns:auto 1fr}}
@media print{main{max-width:none}.column,.check{break-inside:avoid}}
`;
