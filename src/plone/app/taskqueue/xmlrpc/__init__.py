"""XML-RPC for task services, with the methods of lovely.remotetask.

``xmlrpc.client.ServerProxy(url of the service).add("reindex", {})``.
"""
