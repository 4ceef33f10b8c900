package handlers

import (
	"net/http"

	"ates/domain"
	"ates/static"
)

// routes is the site map. A page for signed-in people names the roles that may see it, everybody who is signed in when it
// names none; the commands behind the forms check their own rules again. Of a shared page the live parts are the same for all of a role,
// or say for whom they are not.
func (h *Handlers) routes() http.Handler {
	app := http.NewServeMux()
	app.Handle("GET /{$}", h.signedIn(h.home))

	app.Handle("GET /tasks", h.signedIn(h.shared(h.board)))
	app.Handle("POST /tasks", h.signedIn(h.createTask))
	app.Handle("GET /tasks/new", h.signedIn(h.newTask))
	app.Handle("GET /tasks/assign", h.signedIn(h.confirmAssign, domain.Manager, domain.Admin))
	app.Handle("POST /tasks/assign", h.signedIn(h.assignTasks, domain.Manager, domain.Admin))
	app.Handle("GET "+drawsPath, h.signedIn(h.shared(h.draws)))
	app.Handle("GET "+drawsPath+"/{id}", h.signedIn(h.draw))
	app.Handle("GET /tasks/mine", h.signedIn(h.myTasks, domain.Worker))
	app.Handle("GET /tasks/{id}", h.signedIn(h.shared(h.task)))
	app.Handle("POST /tasks/{id}/resolve", h.signedIn(h.resolveTask))

	app.Handle("GET /palette", h.signedIn(h.palette))

	app.Handle("GET /balance", h.signedIn(h.balance, domain.Worker))

	app.Handle("GET /notifications", h.signedIn(h.notifications))
	app.Handle("POST /notifications/mark", h.signedIn(h.markNotifications))
	app.Handle("GET /notifications/preferences", h.signedIn(h.notificationPreferences))
	app.Handle("POST /notifications/preferences", h.signedIn(h.chooseNotifications))

	app.Handle("GET /accounting", h.signedIn(h.shared(h.heavy(h.accounting)), domain.Manager, domain.TopManager))
	app.Handle("GET /accounting.csv", h.signedIn(h.heavy(h.exportAccounting), domain.Manager, domain.TopManager))
	app.Handle("GET /accounting/payouts/{file}", h.signedIn(h.payoutFile, domain.Manager))
	app.Handle("GET /analytics", h.signedIn(h.shared(h.heavy(h.analytics)), domain.TopManager))
	app.Handle("GET /audit", h.signedIn(h.heavy(h.audit), domain.Worker, domain.Manager, domain.TopManager))
	app.Handle("GET /audit.csv", h.signedIn(h.heavy(h.exportAudit), domain.Worker, domain.Manager, domain.TopManager))

	app.Handle("GET /people", h.signedIn(h.people, domain.Admin))
	app.Handle("GET /people.csv", h.signedIn(h.exportPeople, domain.Admin))
	app.Handle("GET /people/{id}", h.signedIn(h.onePerson, domain.Admin))
	app.Handle("POST /people/{id}", h.signedIn(h.updatePerson, domain.Admin))
	app.Handle("POST /people/{id}/role", h.signedIn(h.changeRole, domain.Admin))
	app.Handle("GET /people/{id}/deactivate", h.signedIn(h.confirmDeactivate, domain.Admin))
	app.Handle("POST /people/{id}/deactivate", h.signedIn(h.deactivatePerson, domain.Admin))
	app.Handle("POST /people/{id}/reactivate", h.signedIn(h.reactivatePerson, domain.Admin))
	if h.provider != nil { // who signs in elsewhere is made known there, and has no password here
		app.Handle("GET /people/new", h.signedIn(h.newPerson, domain.Admin))
		app.Handle("POST /people", h.signedIn(h.invitePerson, domain.Admin))
		app.Handle("GET "+importPath, h.signedIn(h.importForm, domain.Admin))
		app.Handle("POST "+importPath, h.signedIn(h.previewImport, domain.Admin))
		app.Handle("POST "+importPath+"/all", h.signedIn(h.importPeople, domain.Admin))
		app.Handle("POST /people/links.csv", h.signedIn(h.issueLinks, domain.Admin))
		app.Handle("GET /people/{id}/password", h.signedIn(h.confirmReset, domain.Admin))
		app.Handle("POST /people/{id}/password", h.signedIn(h.resetPassword, domain.Admin))
	}

	app.Handle("GET /ops", h.signedIn(h.operations, domain.Admin))
	app.Handle("POST /ops/verify", h.signedIn(h.verifyNow, domain.Admin))
	app.Handle("GET /ops/events", h.signedIn(h.flows, domain.Admin))
	app.Handle("GET /ops/events/{id}", h.signedIn(h.flow, domain.Admin))
	app.Handle("GET /ops/events/{id}/members", h.signedIn(h.flowMembers, domain.Admin))
	app.Handle("GET /ops/mail", h.signedIn(h.mails, domain.Admin))
	app.Handle("GET /ops/mail/{id}", h.signedIn(h.mail, domain.Admin))
	app.Handle("GET /ops/mail/{id}/html", h.signedIn(h.mailHTML, domain.Admin))
	app.Handle("/ops/jobs/", h.signedIn(h.jobs, domain.Admin))

	app.Handle("GET /help", h.signedIn(h.help))

	app.Handle("GET /sessions", h.signedIn(h.ownSessions))
	app.Handle("POST /sessions/end", h.signedIn(h.endSessions))

	app.Handle("GET /login", h.ratedByAddress(h.public(h.signIn.login)))
	app.Handle("GET /callback", h.ratedByAddress(h.public(h.signIn.callback)))
	app.Handle("POST /logout", h.ratedByAddress(h.public(h.logout)))
	app.Handle("GET /signed-out", h.public(h.signedOut))
	app.Handle("POST /preferences", h.ratedByAddress(h.public(h.setPreferences)))
	app.Handle("/", h.nothingHere(app))

	site := http.NewServeMux()
	site.Handle("/", h.sessions.loadAndSave(routed(app), h.failed))
	// What follows does without the session's load and save: files and probes belong to nobody, and the Auth-Service and streams, which
	// never end, have their own.
	if h.provider != nil {
		site.Handle("/auth/", h.ratedByAddress(h.provider))
		site.Handle("GET "+passwordPath, h.byLink(h.passwordLink))
		site.Handle("POST "+passwordPath, h.byLink(h.setPassword))
		site.Handle("GET "+firstAdminPath, h.byLink(h.firstAdminLink))
		site.Handle("POST "+firstAdminPath, h.byLink(h.registerFirstAdmin))
		site.Handle("GET /auth/password/done", h.byLink(h.passwordSet))
	}
	site.Handle("GET "+static.Prefix, static.Handler())
	site.HandleFunc("GET /healthz", h.healthz)
	site.HandleFunc("GET /readyz", h.readyz)
	site.Handle("GET /metrics", h.watch)
	streams := http.NewServeMux()
	streams.HandleFunc("GET "+liveRoute, h.live)
	return h.around(routed(site), routed(streams))
}
