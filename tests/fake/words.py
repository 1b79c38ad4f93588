"""What the page for people says."""

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title><link rel="stylesheet" href="%sshop.css">%s</head><body>
<header><a class="name" href="%s%s">%s</a>
<span class="tag">a pretend Gumroad: nothing here costs money</span>
%s</header>
<main>
"""

NAV = """<nav><a href="#sales">Sales</a> <a href="#time">Time</a>
<a href="#forge">Forge</a> <a href="#explained">What is sent</a></nav>"""

INTRO = """<p>This shop behaves as Gumroad does: buy something, then watch
what Gumroad would tell the seller's server, and when. A link to a product may
carry a <code>user_id</code>; the first ping brings it along.</p>
"""

SAID = {
    "advance": "Time went by, and what fell due was sent.",
    "forge": "A ping went out that no sale stands behind.",
    "lose": "That ping will not arrive. Only the API knows of it now.",
    "refund": "Paid back. Gumroad sends a refund ping in 5 s; none for a "
              "gift.",
    "cancel": "Cancelled to the end of what is paid. Gumroad sends a "
              "cancellation in 5 s, and subscription_ended at the end.",
    "undo": "It goes on. Gumroad sends subscription_restarted in 5 s.",
    "dispute": "The bank asks the money back. Gumroad sends dispute in 5 s; "
               "a membership ends at once.",
    "win_dispute": "Won. Gumroad sends dispute_won in 5 s.",
    "revoke": "Access is revoked. Gumroad sends nothing: only the API shows "
              "it.",
    "unrevoke": "Access is back. Gumroad sends nothing: only the API shows "
                "it.",
    "resend": "Gumroad sends the sale again in 10 s, as it is now, without "
              "url_params.",
}

EXPLAINED = """<section class="card" id="explained">
<h2>What Gumroad sends</h2><dl>
<dt>a purchase, a renewal</dt><dd><code>sale</code> after 10 s</dd>
<dt>a refund</dt><dd><code>refund</code> after 5 s; of a part, it does not
say how much</dd>
<dt>a cancellation</dt><dd><code>cancellation</code> after 5 s, with the end
of the paid period; then <code>subscription_ended</code></dd>
<dt>a dispute</dt><dd><code>dispute</code>, and for a membership
<code>subscription_ended</code> and <code>cancellation</code></dd>
<dt>access revoked, a refund that fails at the bank</dt><dd>nothing</dd>
<dt>an answer of 499, 500, 502, 503, 504, or none</dt><dd>again after 1, 3
and 10 minutes, then never</dd>
<dt>any other answer</dt><dd>never again</dd></dl></section>
"""
