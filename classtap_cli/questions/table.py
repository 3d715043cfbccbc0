"""Every question by its name."""

from classtap_cli.questions import (
    chains,
    contesting,
    importing,
    keeping,
    passing,
    people,
    relaying,
    rosters,
    standing,
    syncing,
    taking_out,
)
from classtap_cli.questions.device import Device, Nothing
from sync.client.node import Node
from sync.client.owner import Owner, Question, Table

TABLE: Table[Device] = {
    "status": Question(Nothing, syncing.status),
    "clock": Question(Nothing, syncing.clock),
    "sync.once": Question(Nothing, syncing.once),
    "sync.log": Question(syncing.Most, syncing.log),
    "sync.health": Question(Nothing, standing.health),
    "sync.support": Question(syncing.Most, standing.support),
    "sync.retry": Question(standing.Which, standing.retry),
    "sync.pause": Question(standing.Whether, standing.pause),
    "sync.relay": Question(Nothing, relaying.status),
    "sync.relay.switch": Question(relaying.Switch, relaying.switch),
    "sync.relay.peers": Question(relaying.Peers, relaying.peers),
    "sync.compare": Question(Nothing, standing.compare),
    "sync.devices": Question(Nothing, standing.devices),
    "sync.contested": Question(Nothing, contesting.contested),
    "sync.rule": Question(contesting.Rule, contesting.rule),
    "audit.verify": Question(Nothing, chains.audit_verify),
    "audit.list": Question(chains.Search, chains.audit_list),
    "audit.export": Question(chains.Export, chains.audit_export),
    "store.check": Question(Nothing, chains.store_check),
    "store.look": Question(Nothing, keeping.look),
    "store.key": Question(Nothing, keeping.status),
    "store.key.rotate": Question(Nothing, keeping.rotate),
    "store.key.awaited": Question(Nothing, keeping.awaited),
    "store.key.bring": Question(keeping.Bring, keeping.bring),
    "store.key.give_up": Question(Nothing, keeping.give_up),
    "store.key.seal": Question(keeping.SealTo, keeping.seal),
    "store.key.hand_out": Question(keeping.Pin, keeping.hand_out),
    "store.backup": Question(keeping.Into, keeping.backup),
    "store.stake": Question(Nothing, keeping.stake),
    "store.space": Question(keeping.Keep, keeping.space),
    "scan": Question(passing.Text, passing.scan),
    "pass.verify": Question(passing.Text, passing.verify),
    "pass.issue": Question(passing.OfFamily, passing.issue),
    "pass.sheet": Question(Nothing, passing.sheet),
    "pass.history": Question(passing.OfFamily, passing.history),
    "pass.revoke": Question(passing.Revoke, passing.revoke),
    "submit": Question(passing.Submit, passing.submit),
    "import": Question(importing.File, importing.bring),
    "person.held": Question(people.Who, people.held),
    "export.calendar": Question(taking_out.Days, taking_out.sessions),
    "export.roster": Question(taking_out.Pin, taking_out.people),
    "person.erase": Question(people.Erase, people.erase),
    "roster": Question(rosters.Which, rosters.rosters),
}


def answering_others(node: Node) -> Owner[Device]:
    """The owner's door of a running program: open it for as long as the program runs, as a context."""
    return Owner(node.store.folder, TABLE, Device(node, running=True))
