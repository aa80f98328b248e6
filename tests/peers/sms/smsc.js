// An SMSC for the tests, made of the npm package `smpp`. It tells what it sees, one JSON object a line on stdout, and
// takes orders the same way on stdin:
//   {"do": "deliver", "pdu": {…}}              send a deliver_sm to every session
//   {"do": "answer", "status": 88, "times": 2} refuse the next submissions with this command_status (0: take them)
//   {"do": "early", "on": true}                send the delivery receipt before the submit_sm_resp
//   {"do": "mute", "on": true}                 never answer submissions
//   {"do": "cut"}                              drop all connections
const smpp = require('smpp');

const tell = (event, more) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');
const sessions = new Set();
const refusals = [];
let early = false;
let mute = false;
let count = 0;

function receipt(session, pdu, id) {
  session.deliver_sm({
    esm_class: 4,
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2611220510 done date:2611220511 stat:DELIVRD err:000 text:x`,
  });
}

function submitted(session, pdu) {
  const { message, udh } = pdu.short_message;
  tell('submit', {
    to: pdu.destination_addr,
    ton: pdu.dest_addr_ton,
    from: pdu.source_addr,
    coding: pdu.data_coding,
    esm_class: pdu.esm_class,
    text: Buffer.isBuffer(message) ? message.toString('hex') : message,
    payload: pdu.message_payload === undefined ? null : pdu.message_payload.message,
    udh: udh ? Buffer.concat(udh.map((each) => Buffer.from(each))).toString('hex') : null,
    receipts: pdu.registered_delivery,
  });
  if (mute) return;
  const refusal = refusals.shift();
  if (refusal) {
    session.send(pdu.response({ command_status: refusal }));
    return;
  }
  const id = `m${++count}`;
  const wanted = pdu.registered_delivery === 1;
  if (early && wanted) receipt(session, pdu, id);
  session.send(pdu.response({ message_id: id }));
  if (!early && wanted) receipt(session, pdu, id);
}

const server = smpp.createServer({}, (session) => {
  session.on('error', () => {});
  session.on('close', () => {
    sessions.delete(session);
    tell('closed', {});
  });
  session.on('bind_transceiver', (pdu) => {
    if (pdu.password !== 'secret') {
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      session.close();
      return;
    }
    session.send(pdu.response({ system_id: 'smsc' }));
    sessions.add(session);
    tell('bound', { system_id: pdu.system_id });
  });
  session.on('submit_sm', (pdu) => submitted(session, pdu));
  session.on('deliver_sm_resp', (pdu) => tell('kept', { status: pdu.command_status }));
  session.on('enquire_link', (pdu) => {
    tell('pulse', {});
    session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    tell('unbound', {});
    session.send(pdu.response());
    session.close();
  });
});

function obey(order) {
  if (order.do === 'deliver') {
    for (const session of sessions) {
      if (order.octets) {
        order.pdu.short_message = Buffer.from(order.octets, 'hex');
      }
      session.deliver_sm(order.pdu);
    }
  }
  if (order.do === 'answer') for (let i = 0; i < order.times; i++) refusals.push(order.status);
  if (order.do === 'early') early = order.on;
  if (order.do === 'mute') mute = order.on;
  if (order.do === 'cut') for (const session of sessions) session.socket.destroy();
}

let rest = '';
process.stdin.on('data', (data) => {
  const lines = (rest + data).split('\n');
  rest = lines.pop();
  lines.forEach((line) => obey(JSON.parse(line)));
});
process.stdin.on('end', () => process.exit(0));

server.listen(Number(process.argv[2]), '127.0.0.1', () => tell('up', {}));
