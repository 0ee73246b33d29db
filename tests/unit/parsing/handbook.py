"""A handbook page and an index of our own writing, in the build of the real ones."""

from __future__ import annotations

PAGE_URL = "https://www.bls.gov/ooh/light-and-signal/lamp-keepers.htm"


def _fact(label: str, value: str) -> str:
    help_link = f'<a href="#help" class="about-qf-section">   {label}</a>'
    return f'<tr><th scope="row">{help_link}</th><td>  {value} </td></tr>'


def _bar(label: str, value: str) -> str:
    value = f'<p class="positive"><span><span> {value} </span></span></p>'
    return (
        f'<dt style="top:1px"><span> {label} </span></dt>'
        f'<dd><div></div><div class="odd"></div><div class="value"><div>{value}</div></div></dd>'
    )


def _chart(measure: str, *bars: str) -> str:
    return (
        f'<div class="ooh-chart"><div><h3>  Lamp Keepers</h3><p>   {measure}</p><dl>{"".join(bars)}'
        '<dt>&nbsp;</dt><dd class="legend"><div><p><span></span></p></div></dd></dl>'
        '<div class="clearfloat"></div><p class="footer">Note: a note.<br>Source: a source</p></div></div>'
    )


def _row(level: int, title: str, soc: str, *figures: str) -> str:
    indent = f' class="sub{level}"' if level else ""
    cells = "".join(f"<td>{figure}</td>" for figure in (soc, *figures))
    link = '<td><a href="https://data.bls.gov/">    Get data</a></td>' if soc != "—" else "<td>—</td>"
    return f"<tr><th><p{indent}><strong>   {title}</strong></p></th>{cells}{link}</tr>"


FACTS = "".join(
    [
        _fact("2031     Median Pay", "$50,000     per year<br>$24.04     per hour"),
        _fact("Typical Entry-Level Education", "High school diploma or equivalent"),
        _fact("Work Experience in a Related Occupation", "None"),
        _fact("On-the-job Training", "Apprenticeship"),
        _fact("Number of Jobs, 2031", "12,000"),
        _fact("Job Outlook, 2031–41", "-5% (Decline)"),
        _fact("Employment Change, 2031–41", "-600"),
    ]
)

PROJECTIONS_HEAD = (
    '<thead><tr><th rowspan="2">Occupational Title</th><th rowspan="2">SOC Code</th>'
    '<th rowspan="2">Employment, 2031</th><th rowspan="2">Projected Employment, 2041</th>'
    '<th colspan="2">Change, 2031–41</th><th rowspan="2" colspan="2">Employment by Industry</th></tr>'
    "<tr><th>Percent</th><th>Numeric</th></tr></thead>"
)

PROJECTIONS_ROWS = "".join(
    [
        _row(0, "Lamp keepers", "—", "12,000", "11,400", "-5", "-600"),
        _row(1, "Harbor lamp keepers", "49-9910", "9,000", "8,500", "-6", "-500"),
        _row(2, "Oil lamp keepers", "49-9911", "4,000", "3,600", "-10", "-400"),
        _row(2, "Gas lamp keepers", "49-9912", "5,000", "4,900", "-2", "-100"),
        _row(1, "Street lamp keepers", "49-9920", "3,000", "2,900", "-3", "-100"),
    ]
)

PAGE = f"""<!DOCTYPE html>
<html lang="en"><head><title>Lamp Keepers : Occupational Outlook Handbook</title><meta charset="UTF-8">
<link rel="canonical" href="{PAGE_URL}">
<meta name="description" content="Lamp keepers keep  lamps burning. "></head>
<body><nav><ul><li><a href="/">Home</a></li></ul></nav>
<div id="main"><div><h1>    Lamp Keepers</h1></div>
<ul class="tabs" id="tabs">
<li><a href="#tab-1">Summary</a></li><li><a href="#tab-2">What They Do</a></li>
<li><a href="#tab-9">More Info</a></li></ul>
<div id="panes">
<div id="tab-1"><article><h2 id="Summary">Summary</h2>
<div class="youtube-player"><p>Please enable a script to play this video.</p></div>
<table id="quickfacts"><thead><tr><th colspan="2">Quick Facts: Lamp Keepers</th></tr></thead>
<tbody>{FACTS}</tbody></table>
<h3><a href="#tab-2">What They Do</a></h3><p>A summary.</p></article></div>

<div id="tab-2" style="display: none;"><article>
<h2 id="what-they-do"><span> What Lamp Keepers Do</span>
<a class="thickbox about-this-section noprint" href="#help">About this section</a></h2>
<div class="ooh_right_img"><img src="lamp.jpg" alt="Lamp"><div class="image-caption">A keeper at work.</div></div>
<p>Lamp keepers light <a href="/ooh/x.htm">lamps</a>,&nbsp;trim   wicks, and
 keep <strong><em>logs</em></strong>.</p>
<h3>Duties</h3>
<ul><li>Light lamps</li><li>Trim wicks of<ul><li>oil lamps</li><li>signal lamps</li></ul></li></ul>
<h3><span class="invisible">empty heading</span></h3>
<ol><li>Fill</li><li>Light</li></ol>
<iframe src="https://www.youtube.com/embed/x">Video of a lamp</iframe>
<p><a href="https://www.youtube.com/watch?v=x">Video transcript available at https://www.youtube.com/x.</a></p>
</article><nav><div class="tab-footer"><a href="#tab-1">&lt;- Summary</a></div></nav></div>

<div id="tab-3"><article><h2 id="work-environment"><span>Work Environment</span></h2>
<p>Keepers held about 12,000 jobs. Their largest employers:</p>
<table class="ooh-tab-table"><tbody><tr><td>Harbors</td><td style="text-align:right">75%</td></tr>
<tr><td>Towns | cities</td><td>25</td></tr></tbody></table>
Most keepers work <em>at</em> night.
</article></div>

<div id="tab-4"><article><h2 id="become-one"><span>How to Become a Lamp Keeper</span></h2>
<h3>Training</h3><p>Keepers learn from other keepers.</p></article></div>

<div id="tab-5"><article><h2 id="pay"><span>Pay</span></h2>
{_chart("Median annual wages, May 2031", _bar("Lamp keepers", "$50,000"), _bar("Total, all occupations", "$49,000"))}
<p>The median annual wage for keepers was $50,000 in May 2031.</p></article></div>

<div id="tab-6"><article><h2 id="job-outlook"><span>Job Outlook</span></h2>
<p>Employment of keepers is projected to decline.</p>
<table class="regular" id="outlook-table">
<caption><span>   Employment projections data for     lamp keepers, 2031–41</span></caption>
{PROJECTIONS_HEAD}
<tfoot><tr><td colspan="8"><p class="footnotes">   SOURCE: a source</p></td></tr></tfoot>
<tbody>{PROJECTIONS_ROWS}</tbody></table></article></div>

<div id="tab-7"><article><h2>State &amp; Area Data</h2><p>Maps.</p></article></div>
<div id="tab-8"><h2 id="similar-jobs">Similar Occupations</h2><table id="similar-occupations"></table></div>
<div id="tab-9"><article><h2 id="more-information">Contacts for More Information</h2>
<p><a href="https://www.onetonline.org/link/summary/49-9911.00">Oil Lamp Keepers</a></p>
<p><a href="https://www.onetonline.org/link/summary/49-9911.01">Ship Lamp Keepers</a></p>
<p><a href="https://www.onetonline.org/link/summary/49-9921.00">Street Lamp Keepers</a></p>
<p><a href="https://www.careeronestop.org/profile?onetcode=49991100">A profile</a></p></article></div>
</div>
<p class="update"><strong>    Last Modified Date:</strong>
Thursday, August 28, 2031            </p></div></body></html>
"""

FIGURELESS = f"""<html><head><link rel="canonical" href="{PAGE_URL}">
<meta name="description" content="Lamp keepers serve."></head><body><h1>Lamp Keepers</h1>
<ul id="tabs"><li><a href="#tab-2">What They Do</a></li><li><a href="#tab-9">More Info</a></li></ul>
<div id="panes">
<div id="tab-2"><h2 id="what-they-do">What They Do</h2><p>They serve.</p></div>
<div id="tab-3"><h2 id="work-environment">Work Environment</h2><p>They move.</p></div>
<div id="tab-4"><h2 id="become-one">How to Become One</h2><p>They enlist.</p></div>
<div id="tab-5"><h2 id="pay">Pay</h2><p>They are paid by rank.</p></div>
<div id="tab-6"><h2 id="job-outlook">Job Outlook</h2><p>It is unknown.</p></div>
<div id="tab-9"><h2>Contacts for More Information</h2><p>Ask around.</p></div></div>
<p class="update">Last Modified Date: Thursday, August 28, 2031</p></body></html>
"""


def changed(old: str, new: str, page: str = PAGE) -> str:
    """The page with one passage replaced; it fails if the passage is not there."""
    assert old in page, old
    return page.replace(old, new)


def pay_cell(words: str) -> str:
    """The page with other words in its cell for median pay."""
    return changed("$50,000     per year<br>$24.04     per hour", words)


def index_of(*items: str) -> bytes:
    listed = "".join(f"<li>{item}</li>" for item in items)
    return f'<html><body><div class="a-z-list"><ul>{listed}</ul></div></body></html>'.encode()
