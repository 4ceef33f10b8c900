package auth

import (
	"github.com/alexedwards/argon2id"

	"ates/domain"
)

// The passwords of the demo are printed at its start: a hash that takes long would protect nothing, and hold up every start.
var demoHashParams = &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// DemoPeople returns the commands that make the people of the demo known: one of each role and eight Workers. The password
// of each is "demo-" and their login, so only a program that shows itself off may run them. Each acts once.
func DemoPeople() []*RegisterPerson {
	people := []*RegisterPerson{
		{Login: "admin", Name: "Ada Kakapo", Role: domain.Admin},
		{Login: "manager", Name: "Max Macaw", Role: domain.Manager},
		{Login: "top-manager", Name: "Tessa Cockatoo", Role: domain.TopManager},
		{Login: "worker", Name: "Ann Lorikeet", Role: domain.Worker},
		{Login: "worker-2", Name: "Bob Budgerigar", Role: domain.Worker},
		{Login: "worker-3", Name: "Carla Conure", Role: domain.Worker},
		{Login: "worker-4", Name: "Dmitri Caique", Role: domain.Worker},
		{Login: "worker-5", Name: "Esi Lovebird", Role: domain.Worker},
		{Login: "worker-6", Name: "Farid Rosella", Role: domain.Worker},
		{Login: "worker-7", Name: "Greta Kea", Role: domain.Worker},
		{Login: "worker-8", Name: "Hiro Parrotlet", Role: domain.Worker},
	}
	for _, p := range people {
		p.Request = domain.Request{By: System, Key: "demo-" + p.Login}
		p.Email = p.Login + "@popug.example"
		p.Password, p.hashParams = "demo-"+p.Login, demoHashParams
	}
	return people
}
