"""What the page for people says."""

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title><link rel="icon" href="%sshop.svg">
<link rel="stylesheet" href="%sshop.css">%s</head><body>
<header><a class="name" href="%s%s">%s</a>
<span class="tag">a pretend Gumroad: nothing here costs money</span>
%s</header>
<main>
"""

NAV = """<nav><a href="#sales">Sales</a> <a href="#forge">Forge</a>
<a href="#explained">What is sent</a></nav>"""

INTRO = """<p>This shop behaves as Gumroad does: buy something, then watch
what Gumroad would tell the seller's server, and when. A link to a product may
carry a <code>user_id</code>; the first ping brings it along.</p>
"""

BEHIND = """<p><a href="counter" target="counter">Behind the counter</a>: what
the seller sees; lose a ping, refund, cancel, revoke, forge.</p>
"""

LOSING = {False: "Pings go out and arrive.",
          True: "<b>Pings get lost:</b> only who asks the shop's API learns "
                "what happens here."}
ASKS = """Gatepost asks the shop for its newest sales every %s by itself, and
for a sale right after its ping."""
UNLINKED = """Found by asking. The user id was in the lost ping alone, so the
sale belongs to the e-mail address: the buyer signs in by mail, or you link
it."""
QUICK = """<p class=note>Gumroad takes 5 or 10 s before it sends a ping; this
shop is quicker: %d s.</p>"""
FORGE = """Posts a sale that never was to the right address, as somebody could
who learned the address. Gumroad's pings are not signed: only reading the sale
back tells."""

SAID = {
    "advance": "Time went by, and what fell due was sent.",
    "forge": "A ping went out that no sale stands behind.",
    "lose": "The next ping about this sale will not arrive. Only the API "
            "knows of it then.",
    "lose_all": "From now on no ping arrives. Only the API knows.",
    "lose_none": "Pings arrive again. What was lost stays lost.",
    "refund": "Paid back. Gumroad sends a refund ping; none for a gift.",
    "refund_half": "Half of it is paid back. Gumroad sends a refund ping "
                   "that does not say how much.",
    "fail_refund": "The bank sent the refund back: the sale stands again. "
                   "Gumroad sends nothing.",
    "cancel": "Cancelled to the end of what is paid. Gumroad sends a "
              "cancellation now, and subscription_ended at the end.",
    "undo": "It goes on. Gumroad sends subscription_restarted.",
    "dispute": "The bank asks the money back. Gumroad sends dispute; a "
               "membership ends at once.",
    "win_dispute": "Won. Gumroad sends dispute_won.",
    "revoke": "Access is revoked. Gumroad sends nothing: only the API shows "
              "it.",
    "unrevoke": "Access is back. Gumroad sends nothing: only the API shows "
                "it.",
    "resend": "Gumroad sends the sale again, as it is now, without "
              "url_params.",
    "reconcile": "Gatepost has compared itself with the shop.",
    "explain": "Gatepost tells why.",
    "link": "The owner has said whose sale it is.",
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
<dt>any other answer</dt><dd>never again</dd></dl>%s</section>
"""
