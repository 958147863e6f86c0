/// How a report looks: on screens light and dark, wide and narrow, and on paper of any size.
enum ReportStyle {
  static let text = """

    :root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #c8ced6; --soft: #f2f4f7;
      --c0: #2f6f4f; --c1: #d98324; --c2: #a83232; --c3: #7a6bb0; --c4: #5b7f95; --c5: #9aa3ad; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6e9ed; --paper: #14171b; --line: #3c444d; --soft: #1e2329;
        --c0: #5fb08a; --c1: #f0a84e; --c2: #e27272; --c3: #a99be0; --c4: #86adc4; --c5: #7c858f; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 70rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
      font: 16px/1.5 system-ui, sans-serif; }
    h1 { font-size: 1.6rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
    h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
    h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
    .kind { display: inline-block; border: 2px solid; padding: 0 .5rem; font-weight: bold; letter-spacing: .05em; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .5rem 0; }
    dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .875rem; }
    caption { text-align: left; font-style: italic; padding: .2rem 0; }
    th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top;
      overflow-wrap: anywhere; }
    th { background: var(--soft); overflow-wrap: normal; }
    figure { margin: 1rem 0; } figcaption { font-weight: 600; }
    figure svg { width: 100%; height: auto; } .legend svg { width: 1rem; height: 1rem; vertical-align: middle; }
    .legend span { margin-right: 1rem; white-space: nowrap; }
    svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } .name { text-anchor: end; }
    .part { stroke: var(--ink); stroke-width: .75; } pattern .mark { stroke: var(--paper); stroke-width: 1.6; fill: none; }
    .c0 { fill: var(--c0); } .c1 { fill: var(--c1); } .c2 { fill: var(--c2); } .c3 { fill: var(--c3); }
    .c4 { fill: var(--c4); } .c5 { fill: var(--c5); }
    svg.patterns { position: absolute; }
    pre { background: var(--soft); border: 1px solid var(--line); padding: .75rem; overflow-x: auto; font-size: .8125rem; }
    .bad { border-left: 4px solid var(--c2); padding-left: .75rem; }
    @media print {
      :root { --ink: #000000; --paper: #ffffff; --line: #777777; --soft: #f4f4f4; }
      body { max-width: none; padding: 0; font-size: 10pt; } h2 { break-after: avoid; } h3 { break-after: avoid; }
      figure, dl, tr { break-inside: avoid; } thead { display: table-header-group; } .scroll { overflow: visible; }
      pre { white-space: pre-wrap; overflow-wrap: anywhere; } section.dispatch + section.dispatch { break-before: page; } }
    @page { margin: 15mm; }

    """
}
