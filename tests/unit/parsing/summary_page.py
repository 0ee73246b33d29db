"""A summary page of our own making, in the build of those of O*NET OnLine."""

from __future__ import annotations

URL = "https://www.onetonline.org/link/summary/47-2999.00"

HEAD = """
<h1><span class="main">Lamp Keepers</span>
  <span class="sub"><div>47-2999.00</div> <a>Bright Outlook</a> <a>Updated 2025</a></span></h1>"""
DESCRIPTION = "<p>Light lamps, trim wicks, and keep watch over&nbsp;harbors by night.</p>"
TITLES = "<p><b>Sample of reported job titles:</b>\n Lamp Keeper, Lighter (Gas, Oil), Wick Trimmer</p>"
TASKS = """
<div id="Tasks" class="reportsection"><h2>Tasks</h2><button>5 of 12 displayed</button>
<table><tbody>
<tr><td data-title="Importance" data-text="94">94</td><td data-title="Category">Core</td>
    <td data-title="Task" data-text="Light the lamps at dusk."><div>Light the lamps at dusk.</div></td></tr>
<tr class="collapse"><td data-title="Importance" data-text="-2">Not available</td><td data-title="Category">New</td>
    <td data-title="Task" data-text="-2"><div class="order-2">Trim wicks.</div><a>more info</a></td></tr>
</tbody></table></div>"""
EDUCATION = """
<div id="Education" class="reportsection"><p>How much education does a new hire need? Respondents said:</p>
<ul><li><b>25%</b> <span>responded:</span> some college courses required <a>more info</a></li>
<li>56% &nbsp; responded: high school diploma or equivalent required</li></ul></div>"""
WAGES = """
<div id="WagesEmployment" class="reportsection"><dl>
<dt>Median wages (2024)</dt><dd>$21.50 hourly, $44,720 annual</dd>
<dt>State wages</dt><dd>Local Salary Info</dd>
<dt>Employment (2024)</dt><dd>12,000 employees</dd>
<dt>Projected growth (2024-2034)</dt><dd><a>Much faster than average</a> (7% or higher)</dd>
<dt>Projected job openings (2024-2034)</dt><dd>1,300</dd>
</dl></div>"""


def a_page(*parts: str) -> bytes:
    return f"<!DOCTYPE html><html><body><p>Help</p><div id='content'>{''.join(parts)}</div></body></html>".encode()


WHOLE = (HEAD, DESCRIPTION, TITLES, TASKS, EDUCATION, WAGES)
