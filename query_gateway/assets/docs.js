// Requests are signed by the client, so none can be sent from here.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, supportedSubmitMethods: [], validatorUrl: null });
