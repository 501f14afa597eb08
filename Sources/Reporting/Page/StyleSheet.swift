/// How a report looks: light and dark, on screen and on paper.
enum StyleSheet {
  static let css: StaticString = """
    :root{color-scheme:light dark;--paper:#fff;--ink:#1b2026;--soft:#5b6570;--line:#d9dee4;--wash:#f4f6f8;
    --accent:#0b5cad;--warn-ink:#6b3d00;--warn:#fff3dc;--warn-line:#e0a030;--good:#e6f4ea;--good-line:#3c9a5f;
    --c0:#0b5cad;--c1:#c2410c;--c2:#15803d;--c3:#7e22ce;--c4:#a16207;--c5:#0e7490;--c6:#be185d;--c7:#4b5563}
    @media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e6e9ed;--soft:#9aa5b1;--line:#333b45;
    --wash:#1d232a;--accent:#7ab8ff;--warn-ink:#ffdfa3;--warn:#3a2c0f;--warn-line:#b98420;--good:#14301f;
    --good-line:#3c9a5f;--c0:#7ab8ff;--c1:#ff9d66;--c2:#6ddb94;--c3:#cfa3ff;--c4:#e8c45c;--c5:#5fd3e8;
    --c6:#ff8fc0;--c7:#b6c0cb}}
    *{box-sizing:border-box}
    body{margin:0 auto;max-width:76rem;padding:2.2rem 1.6rem 4rem;background:var(--paper);color:var(--ink);
    font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
    h1{font-size:2.1rem;line-height:1.15;margin:0 0 .2rem;letter-spacing:-.015em}
    h2{font-size:1.35rem;margin:3rem 0 .8rem;padding-top:.9rem;border-top:1px solid var(--line)}
    h1,h2,h3,.subtitle{overflow-wrap:anywhere} h3{font-size:1.08rem;margin:1.8rem 0 .5rem}
    p{margin:.5rem 0;max-width:62rem}
    .subtitle{color:var(--soft);font-size:1.06rem;margin:0 0 1.2rem}
    .note,figcaption,caption{color:var(--soft);font-size:.88rem}
    .warning{background:var(--warn);color:var(--warn-ink);border:1px solid var(--warn-line);border-left-width:6px;
    border-radius:6px;padding:.75rem 1rem;font-weight:600;max-width:none}
    .verdict{background:var(--wash);border-left:6px solid var(--accent);border-radius:6px;padding:.9rem 1.1rem;
    font-size:1.12rem;max-width:none}
    .verdict p{margin:.3rem 0;max-width:none}
    nav{margin:1.2rem 0;font-size:.92rem;color:var(--soft)} nav a{display:inline-block;margin-right:1.1rem}
    a{color:var(--accent);text-decoration:none} a:hover{text-decoration:underline}
    .facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:.15rem 1.6rem;margin:.6rem 0}
    .facts div{display:flex;gap:.7rem;border-bottom:1px dotted var(--line);padding:.22rem 0}
    .facts dt{color:var(--soft);flex:0 0 8.2rem} .facts dd{margin:0;overflow-wrap:anywhere}
    .scroll{overflow-x:auto;margin:.8rem 0}
    table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums;min-width:50%}
    caption{caption-side:bottom;text-align:left;padding-top:.5rem;max-width:62rem} caption strong{color:var(--ink)}
    th,td{padding:.36rem .8rem;text-align:left;white-space:nowrap}
    td:first-child{min-width:11rem;max-width:22rem;white-space:normal;overflow-wrap:anywhere} td{border-top:1px solid var(--line)}
    thead th{border-bottom:2px solid var(--line);font-weight:600} .number{text-align:right}
    .groups th{text-align:center;border-bottom:1px solid var(--line)} .groups th:empty{border:0}
    tr.rule td{border-top:2px solid var(--soft)}
    tbody tr:hover{background:var(--wash)} td.best{color:var(--accent)}
    figure{margin:0}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:1.4rem}
    .charts.one{max-width:44rem}
    .chart svg{width:100%;height:auto;display:block} .chart figcaption{font-weight:600;color:var(--ink)}
    svg text{fill:var(--soft);font-size:12px} svg .label{font-size:13px} .middle{text-anchor:middle} .end{text-anchor:end}
    .grid{stroke:var(--line);stroke-width:1} .axis{stroke:var(--soft);stroke-width:1}
    .line{fill:none;stroke-width:2;stroke-linejoin:round} .faint{stroke-width:1;opacity:.28}
    .c0{stroke:var(--c0);--k:var(--c0)} .c1{stroke:var(--c1);--k:var(--c1)} .c2{stroke:var(--c2);--k:var(--c2)}
    .c3{stroke:var(--c3);--k:var(--c3)} .c4{stroke:var(--c4);--k:var(--c4)} .c5{stroke:var(--c5);--k:var(--c5)}
    .c6{stroke:var(--c6);--k:var(--c6)} .c7{stroke:var(--c7);--k:var(--c7)}
    .dot{fill:var(--paper);stroke-width:1.6} .legend{font-size:.86rem;margin:.2rem 0 0 3.6rem}
    .legend span{display:inline-block;margin-right:1.2rem}
    .key{display:inline-block;width:1.3em;height:3px;background:var(--k);vertical-align:middle;margin-right:.4em}
    .montage-frame{margin:1rem 0 2.2rem} .montage-frame>figcaption{margin-bottom:.5rem}
    .montage{display:grid;grid-template-columns:repeat(var(--columns),minmax(7.5rem,1fr));gap:3px;background:#000;
    color:#d5dae0;border-radius:8px;padding:.7rem;min-width:calc(var(--columns)*7.5rem);align-items:end}
    .montage:has(.figures){align-items:start}
    .montage .plane{grid-column:1/-1;margin:.9rem 0 .1rem;font-size:.9rem;color:#fff;font-weight:600}
    .montage .plane:first-child{margin-top:0}
    .name{margin:0 0 .25rem;font-size:.84rem;line-height:1.25;min-height:1.25em;text-align:center;color:#d5dae0}
    .figures{margin:.25rem 0 0;font-size:.78rem;text-align:center;color:#9aa5b1;font-variant-numeric:tabular-nums}
    .cell{position:relative} .name.quiet{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
    .panel{position:relative;width:100%;background:#000;overflow:hidden}
    .panel img,.overlay{position:absolute;inset:0;width:100%;height:100%;display:block}
    .pixels{image-rendering:pixelated}
    .mark{position:absolute;font-size:.68rem;line-height:1;color:#ffe9a8;text-shadow:0 0 3px #000,0 0 3px #000}
    .mark.left{left:3px;top:50%;transform:translateY(-50%)} .mark.right{right:3px;top:50%;transform:translateY(-50%)}
    .mark.top{top:3px;left:50%;transform:translateX(-50%)} .mark.bottom{bottom:3px;left:50%;transform:translateX(-50%)}
    .lesion,.found{fill:none;stroke:#39d0ff;stroke-width:1.2;vector-effect:non-scaling-stroke} .found{stroke:#ff9d3c}
    .detail{fill:none;stroke:#ffe14d;stroke-width:1.4;vector-effect:non-scaling-stroke}
    .colourbar{align-self:center;padding:0 1.2rem 0 .4rem;font-size:.84rem} .colourbar p{margin:.1rem 0}
    .colourbar .note{color:#9aa5b1;font-size:.78rem} .ramp{height:.7rem;border-radius:2px;border:1px solid #444}
    .ends{display:flex;justify-content:space-between;font-variant-numeric:tabular-nums}
    .modules{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1.3rem 1.2rem;margin:1rem 0}
    .module figcaption{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.76rem;margin-bottom:.25rem}
    .module svg{width:100%;height:auto;display:block} .plot{fill:var(--wash);stroke:var(--line)}
    .spread{fill-opacity:.16;stroke-opacity:.55;stroke-width:.7} .arrow{stroke-width:1.6} .gate{fill:var(--soft)}
    .start{stroke:var(--ink);stroke-width:1;stroke-dasharray:4 3}
    details{margin:.8rem 0} summary{cursor:pointer;color:var(--accent)}
    pre{background:var(--wash);border-radius:6px;padding:.8rem 1rem;overflow-x:auto;font-size:.85rem;line-height:1.5}
    code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
    footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.88rem}
    @media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--wash:#f4f4f4;--accent:#00417d;
    --warn:#fff;--warn-ink:#000;--c0:#0b5cad;--c1:#c2410c;--c2:#15803d;--c3:#7e22ce}
    body{max-width:none;padding:0;font-size:10.5pt} nav{display:none} figure,table,.verdict{break-inside:avoid}
    h2,h3{break-after:avoid} .montage,.key,.ramp,.warning{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    .scroll{overflow:visible} table{font-size:7pt} th,td{padding:.2rem .3rem;white-space:normal;overflow-wrap:anywhere}}
    @media print{@page{size:landscape;margin:12mm}}
    """
}
