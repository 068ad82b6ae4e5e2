--- Questions of the server: announced once, answered by `:Tagout approve` and `:Tagout deny` or by a choice.
local M = {}

---@type table<integer, table<string, boolean>> by client: decisions that were announced
local announced = {}

--- Announces what is asked and was not announced yet.
---@param client_id integer
---@param overview table
function M.announce(client_id, overview)
  local before, now = announced[client_id] or {}, {}
  for _, question in ipairs(overview.questions or {}) do
    now[question.decision] = true
    if not before[question.decision] and require('tagout.settings').get().announce then
      local text = 'tagout asks (:Tagout approve or :Tagout deny): %s'
      require('tagout.messages').show(text:format(question.what), vim.log.levels.WARN)
    end
  end
  announced[client_id] = now
end

function M.forget(client_id) announced[client_id] = nil end

local function all()
  local found = {}
  for _, one in ipairs(require('tagout.overview').all()) do
    for _, question in ipairs(one.overview.questions or {}) do
      table.insert(found, { client = one.client, question = question })
    end
  end
  return found
end

local function with_question(run)
  local client = require('tagout.client')
  local show = function(item) return ('%s (%s)'):format(item.question.what, item.question.reason) end
  client.choose(all(), 'Which question?', show, run, 'nothing is asked at the moment')
end

local function approve(item, term)
  require('tagout.client').send(item.client, 'tagout.approve', { decision = item.question.decision, term = term })
end

local function deny(item, reason)
  local argument = { decision = item.question.decision, reason = reason ~= '' and reason or nil }
  require('tagout.client').send(item.client, 'tagout.deny', argument)
end

--- Says yes: for the term that is named, else for one that is chosen.
---@param term string?
function M.approve(term)
  with_question(function(item)
    local client = require('tagout.client')
    -- What was not announced is shown before it is approved.
    if not term or not require('tagout.settings').get().announce then return M.answer(item) end
    for _, offered in ipairs(item.question.terms) do
      if offered.term == term then return approve(item, term) end
    end
    local terms = vim.tbl_map(function(offered) return offered.term end, item.question.terms)
    client.say(('this can be approved %s, not %s'):format(table.concat(terms, ' or '), term), vim.log.levels.WARN)
  end)
end

--- Says no, with a reason for the record if there is one.
---@param reason string?
function M.deny(reason)
  with_question(function(item) deny(item, reason) end)
end

--- Offers every answer to a question; none is given when nothing is chosen.
function M.answer(item)
  if not item then return with_question(M.answer) end
  local choices = vim.tbl_map(
    function(offered) return { title = offered.title, run = function() approve(item, offered.term) end } end,
    item.question.terms
  )
  table.insert(choices, { title = 'deny', run = function() deny(item) end })
  local prompt = ('%s (%s)'):format(item.question.what, item.question.reason)
  require('tagout.client').select(choices, prompt, function(choice) return choice.title end, function(choice) choice.run() end)
end

return M
