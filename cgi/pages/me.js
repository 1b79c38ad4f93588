// What stands after # in the link of a mail reaches no server and no log. It is
// put into the form here and goes out when somebody presses the button: programs
// that look at mails open links, and press nothing.
'use strict'
const take = () => {
	const form = document.getElementById('signin')
	const token = location.hash.slice(1)
	if (!form || !token) return
	history.replaceState(null, '', location.pathname + location.search)
	form.elements.token.value = token
	form.classList.add('ready')
	const fold = form.closest('details')
	if (fold) fold.open = true
	form.elements.go.focus()
}
addEventListener('hashchange', take)
take()
