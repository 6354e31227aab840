"""An MQTT 5 client for tests: it knows the reason code of each publish, and can sign."""
import base64
import hashlib
import hmac
import json
import secrets
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes

from .process import wait_for


def signature(key, ident, timestamp, body):
    text = f"{ident}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def envelope(sender, key, body, ident=None, timestamp=None):
    body = body if isinstance(body, str) else json.dumps(body)
    ident = ident or secrets.token_hex(8)
    timestamp = int(time.time()) if timestamp is None else timestamp
    return {"body": body, "id": ident, "sender": sender, "timestamp": timestamp,
            "signature": signature(key, ident, timestamp, body)}


class Client:
    def __init__(self, port, user, password, subscribe=(), client_id=None):
        self.messages, self.reasons = [], {}
        self.lock = threading.Condition()
        self.up = threading.Event()
        self.filters = [(f, 1) for f in subscribe]
        self.c = paho.Client(client_id or f"test-{secrets.token_hex(6)}", protocol=paho.MQTTv5)
        self.c.username_pw_set(user, password)
        self.c.on_connect = self.connected
        self.c.on_message = self.message
        self.c.on_subscribe = lambda *a: self.up.set()
        self.c.connect("127.0.0.1", port, keepalive=20)
        self.c.loop_start()
        assert self.up.wait(10), "not connected"

    def connected(self, client, userdata, flags, reason, properties=None):
        if self.filters:
            self.c.subscribe(self.filters)
        else:
            self.up.set()

    def message(self, client, userdata, msg):
        with self.lock:
            self.messages.append((time.time(), msg.topic, bytes(msg.payload), bool(msg.retain)))
            self.lock.notify_all()

    def publish(self, topic, payload, retain=False, qos=1):
        if not isinstance(payload, (bytes, str)):
            payload = json.dumps(payload)
        info = self.c.publish(topic, payload, qos=qos, retain=retain)
        info.wait_for_publish(10)
        assert info.is_published(), f"not acknowledged: {topic}"

    def seen(self, prefix, parse=True):
        """[(time, topic, body)] of all that came below prefix, oldest first."""
        with self.lock:
            found = [m for m in self.messages if m[1].startswith(prefix)]
        return [(at, topic, json.loads(body) if parse and body else body) for at, topic, body, _ in found]

    def wait(self, what, prefix, condition=lambda topic, body: True, seconds=10):
        def look():
            for at, topic, body in self.seen(prefix):
                if condition(topic, body):
                    return (at, topic, body)
            return None
        return wait_for(what, look, seconds)

    def close(self):
        self.c.disconnect()
        self.c.loop_stop()
